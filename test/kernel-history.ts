import fc from 'fast-check'
import { noteAccount, showAgain } from '../src/appview/account.ts'
import { collections } from '../src/appview/collections/index.ts'
import type { Indexer, Write } from '../src/appview/index-record.ts'
import type { Sql } from '../src/appview/sql.ts'
import { createTids } from '../src/tid.ts'
import { type AppViewDatabase, NOW } from './appview-database.ts'
import { canonical } from './recount.ts'
import { deletionOf, writeOf } from './record.ts'

const SPACES = 'co.kendev.spaces'
/** DIDs that own spaces, and those of people. */
export const spaces = ['did:plc:garage', 'did:plc:bakery']
export const people = ['did:plc:ada', 'did:plc:ben', 'did:plc:eve']
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const TIMES = ['2026-11-22T08:00:00Z', '2026-11-22T09:00:00Z', '2026-11-24T10:00:00Z']

const place = (did: string, kind: string, rkey: string) => ({
  did,
  kind: `${SPACES}.${kind}`,
  rkey,
})
const tid = (n: number) => `3m6bkl222222${n + 2}`
const channels = spaces.flatMap((did) => [0, 1].map((n) => place(did, 'channel', tid(n))))
const messages = people.flatMap((did) => [0, 1].map((n) => place(did, 'message', tid(n))))
const uriOf = ({ did, kind, rkey }: ReturnType<typeof place>) => `at://${did}/${kind}/${rkey}`

const aSpace = fc.constantFrom(...spaces)
const aPerson = fc.constantFrom(...people)
const aMessage = fc.constantFrom(...messages)
const aRole = fc.constantFrom('member', 'viewer')
const createdAt = fc.constantFrom(...TIMES)
const text = fc.constantFrom('Hello', 'Is the lift free?', 'On Friday.')
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const ref = aMessage.map((at) => ({ uri: uriOf(at), cid: CID }))

/** One version of one of few records, so that versions and references meet. */
const version = fc.oneof(
  fc.record({
    at: aSpace.map((did) => place(did, 'space', 'self')),
    record: fc.record({ name: text, createdAt, visibility: fc.constantFrom('public', 'private') }),
  }),
  fc.record({
    at: fc.constantFrom(...channels),
    record: fc.record({ space: aSpace, name: text, createdAt }),
  }),
  fc.tuple(aSpace, aPerson, createdAt, aRole).map(([space, subject, joinedAt, role]) => ({
    at: place(space, 'membership', subject),
    record: { subject, role, joinedAt },
  })),
  fc.tuple(aSpace, aPerson, createdAt).map(([space, did, at]) => ({
    at: place(did, 'membershipRequest', space),
    record: { space, createdAt: at },
  })),
  fc.record({
    at: aMessage,
    record: fc.record({
      space: aSpace,
      text: maybe(text),
      channel: maybe(fc.constantFrom(...channels).map(uriOf)),
      reply: maybe(ref.map((to) => ({ root: to, parent: to }))),
      createdAt,
    }),
  }),
  fc.record({
    at: fc.tuple(aPerson, fc.nat(1)).map(([did, n]) => place(did, 'reaction', tid(n))),
    record: fc.record({
      space: aSpace,
      subject: ref,
      emoji: fc.constantFrom('🔧', '👍'),
      createdAt,
    }),
  }),
)

/** Versions in the order of their revisions; some delete. */
export const someVersions = fc.record({
  version,
  deletes: fc.boolean().chain((often) => (often ? fc.boolean() : fc.constant(false))),
})

type Version = typeof someVersions extends fc.Arbitrary<infer T> ? T : never

/** The versions as commits bring them, each with a later revision than the one before. */
export async function writesOf(versions: readonly Version[]): Promise<Write[]> {
  const nextRev = createTids({ now: () => NOW })
  const writes: Write[] = []
  for (const { version: v, deletes } of versions) {
    const { did, kind: collection, rkey } = v.at
    const write = await writeOf({ collection, did, rkey, rev: nextRev(), record: v.record })
    writes.push(deletes ? deletionOf(write, write.rev) : write)
  }
  return writes
}

/** Takes over a status as the host tells it: what is not active is kept and not shown. */
export async function setStatus(
  tx: Sql,
  indexer: Indexer,
  { did, status }: { did: string; status: string },
): Promise<void> {
  const { hidden } = await noteAccount(tx, did, NOW)
  await tx.query('update appview.account set status = $2 where did = $1', [did, status])
  if (status !== 'active' && !hidden) await indexer.hide(tx, did)
  if (status === 'active' && hidden) await showAgain(tx, indexer, did)
}

/** Every row of every table, without the times at which it came here. */
export async function tables({ pool }: AppViewDatabase): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const name of ['record', 'account', ...collections.map((c) => c.table)]) {
    const { rows } = await pool.query(`select * from appview."${name}"`)
    const plain = rows.map(({ indexedAt: _, updatedAt: __, ...row }) => canonical(row))
    found[name] = plain.toSorted()
  }
  return found
}
