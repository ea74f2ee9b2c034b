import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import type { Collection, Row } from '../src/appview/define.ts'
import type { Write } from '../src/appview/index-record.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import { type SqlPool, transaction } from '../src/appview/sql.ts'
import { migrate } from '../src/database/migrate.ts'
import { type AppViewDatabase, NOW, appViewOn } from './appview-database.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { people, someVersions, spaces, tables, writesOf } from './kernel-history.ts'
import { wrongFigures } from './recount.ts'
import { exampleWrite, rev } from './record.ts'

const RUNS = 30

let database: NativeDatabase<unknown>
let db: AppViewDatabase
beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: database.db, schema: 'node', migrations })
  db = await appViewOn(database.pool as unknown as SqlPool)
})
afterAll(() => database?.close())

/** Versions in any order, some twice, in batches of any length; one author may be hidden. */
const deliveries = fc.record({
  versions: fc.array(someVersions, { minLength: 5, maxLength: 40, size: 'max' }),
  order: fc.array(fc.nat(), { minLength: 50, maxLength: 50 }),
  cuts: fc.array(fc.nat(50), { maxLength: 5 }),
  hidden: fc.subarray([...spaces, ...people], { maxLength: 1 }),
})
type Deliveries = typeof deliveries extends fc.Arbitrary<infer T> ? T : never

async function batchesOf({ versions, order, cuts, hidden }: Deliveries): Promise<Write[][]> {
  const writes = await writesOf(versions)
  const all = order
    .map((n, at) => ({ n, write: writes[at < writes.length ? at : n % writes.length]! }))
    .toSorted((a, b) => a.n - b.n)
    .map(({ write }) => ({ ...write, hidden: hidden.includes(write.did) }))
  const ends = [...new Set([0, ...cuts, all.length])].toSorted((a, b) => a - b)
  return ends.slice(1).map((end, n) => all.slice(ends[n], end))
}

const writeAll = (writes: readonly Write[], more: { force?: boolean } = {}) =>
  transaction(db.pool, (tx) => db.indexer.writeAll(tx, writes, { now: NOW, ...more }))

test('batches show what single writes show, and tell the feeds the difference', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async (d) => {
      const batches = await batchesOf(d)
      await db.clear()
      for (const w of batches.flat()) await db.write(w)
      const straight = await tables(db)
      await db.clear()
      for (const batch of batches) {
        const [shown, told] = [await shownRows(), await feedLength()]
        await writeAll(batch)
        expect(await feedAfter(told)).toEqual(difference(shown, await shownRows()))
      }
      expect(await tables(db)).toEqual(straight)
      expect(await wrongFigures(db.pool, collections)).toEqual([])
      const gaps = await db.pool.query(
        `select owner from appview.feed join appview."feedHead" h using (owner)
         group by owner, h.seq having count(*) <> h.seq or max(feed.seq) <> h.seq`,
      )
      expect(gaps.rows).toEqual([])
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
  )
})

test('rows loaded first and derived in the end are the rows written as they come', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async (d) => {
      const batches = await batchesOf(d)
      await db.clear()
      for (const batch of batches) await writeAll(batch)
      const straight = await tables(db)
      await db.clear()
      await transaction(db.pool, async (tx) => {
        for (const batch of batches) await db.indexer.load(tx, batch, { now: NOW })
        await db.indexer.deriveAll(tx)
      })
      expect(await tables(db)).toEqual(straight)
      expect(await feedLength()).toBe(0)
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
  )
})

test('a row that is new in a batch does not keep what it counted in the midst of it', async () => {
  const createdAt = '2026-11-22T08:00:00Z'
  const put = (did: string, kind: string, rkey: string, record: object) => ({
    version: { at: { did, kind: `co.kendev.spaces.${kind}`, rkey }, record },
    deletes: false,
  })
  const [space, member] = ['did:plc:bakery', 'did:plc:ada']
  const asks = put(member, 'membershipRequest', space, { space, createdAt })
  const versions = [
    asks,
    put(space, 'space', 'self', { name: 'Bakery', visibility: 'public', createdAt }),
    put(space, 'membership', member, { subject: member, role: 'member', joinedAt: createdAt }),
    { ...asks, deletes: true },
  ]
  const [first, ...second] = await writesOf(versions as never)
  await db.clear()
  await writeAll([first!])
  await writeAll(second)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
})

/** Whose feed shows which version of what. */
async function shownRows(): Promise<Map<string, string>> {
  const shown = new Map<string, string>()
  for (const c of collections.filter(({ feed }) => feed))
    for (const row of await db.rows(c))
      if (!c.shown || row[c.shown] === true) shown.set(feedKey(c, row), row.cid)
  return shown
}

const feedKey = (c: Collection, row: Row) => `${String(row[c.feed!])} ${row.uri}`

function difference(was: Map<string, string>, is: Map<string, string>): string[] {
  const keys = [...new Set([...was.keys(), ...is.keys()])].toSorted()
  return keys.flatMap((key) => {
    const [before, after] = [was.get(key), is.get(key)]
    if (before === after) return []
    return [`${key} ${before ? (after ? 'updated' : 'deleted') : 'created'}`]
  })
}

async function feedLength(): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>('select count(*)::int n from appview.feed')
  return rows[0]!.n
}

/** All entries but the oldest of each feed that were there before. */
async function feedAfter(told: number): Promise<string[]> {
  const { rows } = await db.pool.query<{ owner: string; uri: string; action: string }>(
    'select owner, uri, action from appview.feed order by at, owner, seq offset $1',
    [told],
  )
  return rows.map(({ owner, uri, action }) => `${owner} ${uri} ${action}`).toSorted()
}

test('a fetched repo is taken over at the revision kept, and tells whom it names', async () => {
  await db.clear()
  const example = (table: string, n = 2) => {
    const c = collections.find((each) => each.table === table)!
    return exampleWrite(c, c.examples.good[0]!, n)
  }
  const admit = await example('membership')
  const { outcomes, named } = await writeAll([admit, await example('message')])
  expect(outcomes).toEqual(['indexed', 'indexed'])
  expect(named.toSorted()).toEqual(['did:plc:ben', 'did:plc:garage'])
  expect(await writeAll([admit])).toEqual({ outcomes: ['older'], named: [] })
  expect(await writeAll([admit], { force: true })).toMatchObject({ outcomes: ['indexed'] })
  const gone = { ...admit, cid: null, bytes: null }
  expect(await writeAll([gone], { force: true })).toEqual({ outcomes: ['removed'], named: [] })
  expect(await writeAll([admit, { ...gone, rev: rev(4) }])).toMatchObject({
    outcomes: ['older', 'removed'],
  })
})

test('a thousand writes take as many statements as ten', async () => {
  const c = collections.find(({ table }) => table === 'message')!
  const statements = async (writes: number) => {
    await db.clear()
    let said = 0
    await transaction(db.pool, async (tx) => {
      const all = Array.from({ length: writes }, (_, n) =>
        exampleWrite(c, { ...c.examples.good[0]!, did: `did:plc:author${n}` }, 3),
      )
      const query: typeof tx.query = (text, values) => (said++, tx.query(text, values))
      await db.indexer.writeAll({ query }, await Promise.all(all), { now: NOW })
    })
    return said
  }
  expect(await statements(1_000)).toBe(await statements(10))
})
