import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { award } from '../src/appview/collections/karma/award.ts'
import { revocation } from '../src/appview/collections/karma/revocation.ts'
import { nodeRole } from '../src/appview/collections/platform/node-role.ts'
import type { Collection } from '../src/appview/define.ts'
import type { Write } from '../src/appview/index-record.ts'
import { listAwards } from '../src/appview/karma/award-views.ts'
import { type Karma, createKarma } from '../src/appview/karma/keep-karma.ts'
import { readKarma } from '../src/appview/karma/read-karma.ts'
import { type SqlPool, transaction } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import type { Job } from '../src/jobs/jobs.ts'
import { silentLog } from '../src/log.ts'
import { createTids } from '../src/tid.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { deletionOf, writeOf } from './record.ts'

const NODE = 'did:plc:node'
const [ADA, BEN, CAL] = ['did:plc:ada', 'did:plc:ben', 'did:plc:cal'] as const
const DAY = 86_400_000
const KEY = '3n3kwu7777777'
const BORN = new Date('2020-01-01T00:00:00Z')

let db: AppViewDatabase
let karma: Karma
let queued: Job[]
let made: number

beforeEach(async () => {
  db = await appViewDatabase()
  await clear(db.pool)
  queued = []
  made = 0
  karma = keeper()
})

const TABLES = ['"awardStanding"', 'karma', '"accountBirth"', 'preference', '"auditEvent"']
const clear = (pool: SqlPool) =>
  pool.query(`truncate ${[...TABLES, '"auditHead"'].map((t) => `node.${t}`).join(', ')}`)

function keeper(bornAt: (did: string) => Promise<Date | undefined> = async () => BORN): Karma {
  const clock = { now: () => NOW }
  const outbox = {
    transact: <T>(work: Parameters<Parameters<typeof createKarma>[0]['outbox']['transact']>[0]) =>
      transaction(db.pool, (tx) => work(tx, async (job) => void queued.push(job))) as Promise<T>,
  }
  const nodeAccount = async () => NODE
  const rest = { nodeAccount, bornAt, clock, nextTid: createTids(clock), log: silentLog }
  return createKarma({ sql: db.pool, outbox, ...rest })
}

/** TIDs in rising order. */
function tid(n: number): string {
  const digits = n.toString(6).padStart(7, '0')
  return `3n3kwu${digits.replaceAll(/./g, (digit) => String(Number(digit) + 2))}`
}

/** A record as a commit brings it, the later ones in later revisions. */
function record(c: Collection, did: string, said: { rkey?: string } & Record<string, unknown>) {
  made += 1
  const { rkey = tid(made), ...rest } = said
  const value = { createdAt: NOW.toISOString(), ...rest }
  return writeOf({ collection: c.nsid, did, rkey, rev: tid(made), record: value })
}

const give = (did: string, more: Record<string, unknown> = {}) =>
  record(award, did, { recipient: BEN, type: 'helpful_response', points: 10, ...more })
const role = (subject: string, name: string, did = NODE) =>
  record(nodeRole, did, { subject, role: name, rkey: subject })
const ago = (days: number) => new Date(NOW.getTime() - days * DAY).toISOString()
const uriOf = ({ did, collection, rkey }: Write) => `at://${did}/${collection}/${rkey}`
const revoke = (did: string, of: Write) =>
  record(revocation, did, { award: { uri: uriOf(of), cid: of.cid! } })

async function arrive(...writes: readonly (Write | Promise<Write>)[]) {
  for (const write of writes) await db.write(await write)
}

async function score(did: string = BEN): Promise<number> {
  await karma.sweep()
  return (await readKarma(db.pool, [did], did)).get(did)!.score
}

async function whyNot(): Promise<(string | undefined)[]> {
  await karma.sweep()
  const looking = { sql: db.pool, origin: 'https://node.example' }
  return (await listAwards(looking, {})).items.map((view) => view.whyNot)
}

/** So many points for somebody, by admins, long ago. */
async function points(recipient: string, sum: number): Promise<Write[]> {
  const writes: Write[] = []
  for (let n = 0; n * 100 < sum; n++) {
    const admin = `did:plc:admin${n}`
    const points = Math.min(100, sum - n * 100)
    writes.push(await role(admin, 'admin'))
    writes.push(await give(admin, { recipient, points, createdAt: ago(100 - n) }))
  }
  return writes
}

test('a score is what counts of the awards somebody was given, by ways of contributing', async () => {
  const technical = { type: 'technical_excellence', points: 25 }
  const named = { contributionType: 'justice_advocacy', points: 5 }
  await arrive(role(ADA, 'editor'), give(ADA, technical), give(ADA), give(CAL, named))
  await karma.sweep()
  expect((await readKarma(db.pool, [BEN], undefined)).get(BEN)).toEqual({
    did: BEN,
    score: 40,
    level: 'newcomer',
    guardianAngel: false,
    contributions: [
      { type: 'technical_help', points: 25 },
      { type: 'community_support', points: 10 },
      { type: 'justice_advocacy', points: 5 },
    ],
    recognisers: 2,
  })
})

test('roles count from the repo of the node only', async () => {
  const good = { type: 'quality_content', points: 20 }
  await arrive(role(ADA, 'editor', ADA), give(ADA, good))
  expect(await whyNot()).toEqual(['RoleMissing'])
  await arrive(role(ADA, 'editor'))
  expect(await whyNot()).toEqual([undefined])
  expect(await score()).toBe(20)
})

test('an award is taken back by its author or by the node, and by nobody else', async () => {
  const [one, two] = [await give(ADA), await give(CAL, { points: 7 })]
  await arrive(one, two, revoke(BEN, one), revoke(CAL, one))
  expect(await score()).toBe(17)
  await arrive(revoke(ADA, one))
  expect(await score()).toBe(7)
  expect(await whyNot()).toContain('Revoked')
  await arrive(revoke(NODE, two))
  expect(await score()).toBe(0)
})

test('an award that was deleted, or given to another instead, is no part of the score', async () => {
  const [one, two] = [await give(ADA, { rkey: KEY }), await give(CAL)]
  await arrive(one, two)
  expect(await score()).toBe(20)
  const instead = give(ADA, { rkey: KEY, recipient: CAL, points: 3 })
  await arrive(instead, deletionOf(two, tid(900)))
  expect(await score()).toBe(0)
  expect(await score(CAL)).toBe(3)
})

test('guardian angels are told when they become one and when they cease to be', async () => {
  const told = () => queued.map(({ data }) => [data['recipient'], data['kind'], data['data']])
  const last = await give(CAL, { points: 1 })
  await arrive(...(await points(BEN, 999)))
  expect(await score()).toBe(999)
  expect(told()).toEqual([])
  await arrive(last)
  expect(await score()).toBe(1_000)
  await karma.settle({ anew: true })
  expect(told()).toEqual([[BEN, 'guardianAngelGained', { score: '1000' }]])
  await arrive(revoke(CAL, last))
  expect(await score()).toBe(999)
  expect(told()[1]).toEqual([BEN, 'guardianAngelLost', { score: '999' }])
  expect(new Set(queued.map(({ key }) => key)).size).toBe(2)
  const { rows } = await db.pool.query('select chain, action, subject from node."auditEvent"')
  expect(rows).toEqual([
    { chain: NODE, action: 'becomeGuardianAngel', subject: BEN },
    { chain: NODE, action: 'ceaseToBeGuardianAngel', subject: BEN },
  ])
})

test('who does not want to be told of it is not, and the audit has it all the same', async () => {
  const values = [BEN, true, true, false, 'public', true]
  await db.pool.query('insert into node.preference values ($1, $2, $3, $4, $5, $6)', values)
  await arrive(...(await points(BEN, 1_000)))
  expect(await score()).toBe(1_000)
  expect(queued).toEqual([])
  const { rows } = await db.pool.query('select action from node."auditEvent"')
  expect(rows).toEqual([{ action: 'becomeGuardianAngel' }])
})

test('an award that arrives late takes the place in time that it has', async () => {
  await arrive(...[3, 2, 1].map((days) => give(ADA, { createdAt: ago(days) })))
  expect(await whyNot()).toEqual([undefined, undefined, undefined])
  await arrive(give(ADA, { createdAt: ago(4), points: 1 }))
  expect(await whyNot()).toEqual(['PairLimit', undefined, undefined, undefined])
  expect(await score()).toBe(21)
})

test('awards wait for the age of the account that gave them', async () => {
  let answer: () => Promise<Date | undefined> = () => Promise.reject(new Error('down'))
  karma = keeper(() => answer())
  await arrive(give(ADA))
  expect(await whyNot()).toEqual(['AgeUnknown'])
  answer = async () => new Date(NOW.getTime() - 2 * DAY)
  expect(await whyNot()).toEqual(['AccountTooYoung'])
})

test('what would not count is known before it is given', async () => {
  const wanted = { did: ADA, recipient: BEN, type: 'helpful_response', points: 10 }
  expect(await karma.wouldCount(wanted)).toBe('AgeUnknown')
  await karma.meet(ADA)
  expect(await karma.wouldCount(wanted)).toBeUndefined()
  await arrive(...[3, 2, 1].map((days) => give(ADA, { createdAt: ago(days) })))
  await karma.sweep()
  expect(await karma.wouldCount(wanted)).toBe('PairLimit')
})

const someone = fc.constantFrom(ADA, BEN, CAL)
const step = fc.record({
  did: someone,
  recipient: someone,
  type: fc.constantFrom('helpful_response', 'guardian_angel_action', 'quality_content'),
  points: fc.constantFrom(5, 10, 20, 50, 100),
  days: fc.integer({ min: 0, max: 9 }),
  becomes: fc.constantFrom('kept', 'kept', 'revoked', 'deleted'),
  turn: fc.nat(999),
})

test('scores are the same in whatever order records arrive, and when all is made anew', async () => {
  const roles = fc.record({ who: someone, turn: fc.nat(999) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15, size: 'max' }), roles, async (steps, r) => {
      made = 0
      const writes = [{ turn: r.turn, write: await role(r.who, 'admin') }]
      for (const { did, recipient, days, type, points, becomes, turn } of steps) {
        const one = await give(did, { recipient, type, points, createdAt: ago(days) })
        writes.push({ turn, write: one })
        if (becomes === 'revoked') writes.push({ turn: 999 - turn, write: await revoke(did, one) })
        if (becomes === 'deleted') writes.push({ turn: turn + 1, write: deletionOf(one, tid(900)) })
      }
      const shuffled = writes.toSorted((a, b) => a.turn - b.turn).map(({ write }) => write)
      const stepwise = await kept(shuffled, { settling: true })
      const atOnce = await kept(
        writes.map(({ write }) => write),
        { settling: false },
      )
      expect(stepwise).toEqual(atOnce)
      await db.pool.query(`update appview."viewTable" set fingerprint = 'another'`)
      await prepareViewTables({ ...db, log: silentLog })
      await karma.settle()
      expect(await standings()).toEqual(atOnce)
    }),
    { numRuns: 8, interruptAfterTimeLimit: 40_000, endOnFailure: true },
  )
})

async function kept(writes: readonly Write[], { settling }: { settling: boolean }) {
  await db.clear()
  await clear(db.pool)
  for (const did of [ADA, BEN, CAL]) await karma.meet(did)
  for (const [n, write] of writes.entries()) {
    await db.write(write)
    if (settling && n % 3 === 0) await karma.settle()
  }
  await karma.settle()
  return standings()
}

async function standings() {
  const judged = await db.pool.query('select * from node."awardStanding" order by uri')
  const scores = await db.pool.query(
    'select * from node.karma where score > 0 order by did collate "C"',
  )
  return { judged: judged.rows, scores: scores.rows }
}
