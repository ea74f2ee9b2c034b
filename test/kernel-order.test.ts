import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noteAccount, setStatus } from '../src/appview/account.ts'
import { collections } from '../src/appview/collections/index.ts'
import type { Write } from '../src/appview/index-record.ts'
import { transaction } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { silentLog } from '../src/log.ts'
import { createTids } from '../src/tid.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { canonical, wrongFigures } from './recount.ts'
import { deletionOf, writeOf } from './record.ts'

const RUNS = 60
const SPACES = 'co.kendev.spaces'
const spaces = ['did:plc:garage', 'did:plc:bakery']
const people = ['did:plc:ada', 'did:plc:ben', 'did:plc:eve']
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
const createdAt = fc.constantFrom(...TIMES)
const text = fc.constantFrom('Hello', 'Is the lift free?', 'On Friday.')
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const ref = aMessage.map((at) => ({ uri: uriOf(at), cid: CID }))

/** One version of one of few records, so that versions and references meet; null deletes it. */
const version = fc.oneof(
  fc.record({
    at: aSpace.map((did) => place(did, 'space', 'self')),
    record: fc.record({ name: text, createdAt, visibility: fc.constantFrom('public', 'private') }),
  }),
  fc.record({
    at: fc.constantFrom(...channels),
    record: fc.record({ space: aSpace, name: text, createdAt }),
  }),
  fc.tuple(aSpace, aPerson, createdAt).map(([space, subject, joinedAt]) => ({
    at: place(space, 'membership', subject),
    record: { subject, role: 'member', joinedAt },
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
const moment = fc.nat(999)
const history = fc.record({
  versions: fc.array(
    fc.record({
      version,
      deletes: fc.boolean().chain((often) => (often ? fc.boolean() : fc.constant(false))),
      arrives: fc.array(moment, { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 5, maxLength: 40, size: 'max' },
  ),
  statuses: fc.array(
    fc.record({
      did: fc.constantFrom(...spaces, ...people),
      status: fc.constantFrom('active', 'deactivated'),
      at: moment,
    }),
    { maxLength: 6 },
  ),
  // Making the tables anew takes as long as all the rest.
  rebuilds: fc.constantFrom(true, false, false),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never
type Status = { readonly did: string; readonly status: string }
type Step = Write | Status

test('what is shown follows the records, not the order in which they arrive', async () => {
  const db = await appViewDatabase()
  await fc.assert(
    fc.asyncProperty(history, async (h) => {
      const writes = await writesOf(h)
      const last = new Map(h.statuses.toSorted((a, b) => a.at - b.at).map((s) => [s.did, s]))
      const straight = await tablesAfter(db, [...writes, ...last.values()])
      expect(await tablesAfter(db, arrivalsOf(h, writes))).toEqual(straight)
      expect(await wrongFigures(db.pool, collections)).toEqual([])
      if (!h.rebuilds) return
      await db.pool.query(`update appview."viewTable" set fingerprint = 'another'`)
      const made = await prepareViewTables({ ...db, log: silentLog })
      expect(made.rebuilt).toBe(true)
      expect(await tables(db)).toEqual(straight)
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
  )
})

/** The versions as commits bring them, each with a later revision than the one before. */
async function writesOf({ versions }: History): Promise<Write[]> {
  const nextRev = createTids({ now: () => NOW })
  const writes: Write[] = []
  for (const { version: v, deletes } of versions) {
    const { did, kind: collection, rkey } = v.at
    const write = await writeOf({ collection, did, rkey, rev: nextRev(), record: v.record })
    writes.push(deletes ? deletionOf(write, write.rev) : write)
  }
  return writes
}

/** The same in another order, some twice, with accounts hidden and shown in between. */
function arrivalsOf({ versions, statuses }: History, writes: readonly Write[]): Step[] {
  const arrivals = versions.flatMap(({ arrives }, n) =>
    arrives.map((at) => ({ at, step: writes[n]! as Step })),
  )
  const changes = statuses.map((status) => ({ at: status.at, step: status as Step }))
  return [...arrivals, ...changes].toSorted((a, b) => a.at - b.at).map(({ step }) => step)
}

async function tablesAfter(db: AppViewDatabase, steps: readonly Step[]) {
  await db.clear()
  for (const step of steps) {
    await transaction(db.pool, async (tx) => {
      if ('status' in step) return setStatus(tx, db.indexer, { ...step, now: NOW })
      const { hidden } = await noteAccount(tx, step.did, NOW)
      await db.indexer.write(tx, step, { now: NOW, hidden })
    })
  }
  return tables(db)
}

/** Every row of every table, without the times at which it came here. */
async function tables({ pool }: AppViewDatabase): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const name of ['record', 'account', ...collections.map((c) => c.table)]) {
    const { rows } = await pool.query(`select * from appview."${name}"`)
    const plain = rows.map(({ indexedAt: _, updatedAt: __, ...row }) => canonical(row))
    found[name] = plain.toSorted()
  }
  return found
}
