import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Sql, type SqlPool } from '../../src/database/sql.ts'
import { compactLogs, listOps } from '../../src/permissioned/store/oplog.ts'
import { createRepoReads } from '../../src/permissioned/store/repo-reads.ts'
import { SetHash } from '../../src/permissioned/format/set-hash.ts'
import { orderWriters } from '../../src/permissioned/store/writers.ts'
import { createTids } from '../../src/tid.ts'
import { type NativeDatabase, nativeDatabase } from '../database/native.ts'
import { spaceTables } from '../space-database.ts'
import { DID, NOTE, SPACE, clear, errorOf, storeOn, testClock, write } from './fixture.ts'

const at = { space: SPACE, did: DID }
let database: NativeDatabase<unknown>
let pool: SqlPool

beforeAll(async () => {
  database = await nativeDatabase()
  pool = await spaceTables(database)
})
beforeEach(() => clear(pool))
afterAll(() => database.close())

/** The log leads to the records and to the hash, and its revs rise. */
async function expectSound(did = DID): Promise<number> {
  const page = await listOps(pool, { space: SPACE, did, limit: 1_000 })
  const setHash = new SetHash()
  const held = new Map<string, string>()
  let last = ''
  for (const { rev, collection, rkey, cid, prev } of page?.ops ?? []) {
    const path = `${collection}/${rkey}`
    expect(held.get(path) ?? null).toBe(prev)
    expect(rev >= last).toBe(true)
    last = rev
    if (prev !== null) setHash.remove(path, prev)
    if (cid !== null) setHash.add(path, cid)
    if (cid === null) held.delete(path)
    else held.set(path, cid)
  }
  const { records } = await createRepoReads(pool).listRecords({ space: SPACE, did, limit: 1_000 })
  expect(new Map(records.map((r) => [`${r.collection}/${r.rkey}`, r.cid]))).toEqual(held)
  expect(page?.head?.setHash).toEqual(Buffer.from(setHash.state()))
  return page?.ops.length ?? 0
}

test('processes that write into one repo at once lose nothing and mix nothing up', async () => {
  const clocks = [testClock(), testClock('2026-11-20T12:00:00Z'), testClock()]
  const stores = clocks.map((clock) => storeOn(pool, { clock }))
  const work = Array.from({ length: 90 }, async (_, n) => {
    const store = stores[n % 3]!
    const own = { action: 'create' as const, rkey: `own${n}` }
    await store.applyWrites({ ...at, writes: [write(own.action, own.rkey, String(n))] })
    const writes = [write('put', `k${n % 4}`, String(n)), write('put', `own${n}`, `${n}!`)]
    return store.applyWrites({ ...at, writes })
  })
  const revs = (await Promise.all(work)).map(({ rev }) => rev)
  expect(new Set(revs).size).toBe(90)
  expect(await expectSound()).toBe(270)
})

test('of several that create one record, or swap one CID, exactly one succeeds', async () => {
  const stores = Array.from({ length: 4 }, () => storeOn(pool))
  const results = async (work: Promise<unknown>[]) =>
    (await Promise.all(work.map(errorOf))).toSorted((a = 'z', b = 'z') => (a < b ? -1 : 1))
  const creates = stores.map((store, n) =>
    store.applyWrites({ ...at, writes: [write('create', 'a', String(n))] }),
  )
  expect(await results(creates)).toEqual([...Array(3).fill('RecordAlreadyExists'), undefined])
  const held = await createRepoReads(pool).getRecord({ ...at, collection: NOTE, rkey: 'a' })
  const swaps = stores.map((store, n) =>
    store.applyWrites({ ...at, writes: [write('put', 'a', `swap${n}`, held?.cid)] }),
  )
  expect(await results(swaps)).toEqual([...Array(3).fill('InvalidSwap'), undefined])
  const { rev } = (await createRepoReads(pool).stateOf(at))!
  const revSwaps = stores.map((store, n) =>
    store.applyWrites({ ...at, swapRev: rev, writes: [write('put', `r${n}`, '')] }),
  )
  expect(await results(revSwaps)).toEqual([...Array(3).fill('InvalidSwap'), undefined])
  await expectSound()
})

test('a write that ends at any step leaves nothing of itself', async () => {
  const steps = ['oplog', 'record', 'change', 'outbox', 'repo']
  const store = storeOn(pool)
  await store.applyWrites({ ...at, writes: [write('create', 'a', '1')] })
  for (const table of steps) {
    const before = await createRepoReads(pool).stateOf(at)
    await pool.query(
      `alter table repo.${table} add constraint broken check (rev <= '${before!.rev}') not valid`,
    )
    const writes = [write('create', `b-${table}`, '1'), write('put', 'a', table)]
    await expect(store.applyWrites({ ...at, writes }), table).rejects.toThrow('broken')
    expect(await createRepoReads(pool).stateOf(at)).toEqual(before)
    await pool.query(`alter table repo.${table} drop constraint broken`)
    await expectSound()
    await store.applyWrites({ ...at, writes })
  }
  expect(await expectSound()).toBe(11)
})

test('one poisonous value does not fail the writes that waited with it', async () => {
  const store = storeOn(pool)
  const evidence = { iss: 'did:plc:x', lxm: 'com.example.x', jti: 'a\u0000b' }
  const source = 'local' as const
  // While these are stored, the next gather.
  const first = ['x', 'y', 'z'].map((name) =>
    store.applyWrites({ space: SPACE, did: `did:plc:${name}`, writes: [write('put', 'a', '1')] }),
  )
  const mixed = ['b', 'c', 'd'].map((name) => {
    const poison = name === 'c' && { evidence, source }
    const did = `did:plc:${name}`
    return store.applyWrites({ space: SPACE, did, writes: [write('put', 'a', '1')], ...poison })
  })
  const [outcomes] = await Promise.all([Promise.allSettled(mixed), ...first])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('a connection that is lost while it stores leaves all or nothing', async () => {
  const store = storeOn(losing(pool))
  await storeOn(pool).applyWrites({ ...at, writes: [write('create', 'a', '1')] })
  for (let n = 0; n < 6; n++) {
    await store
      .applyWrites({ ...at, writes: [write('create', `k${n}`, '1')] })
      .catch(() => undefined)
    await store.applyWrites({ ...at, writes: [write('put', 'a', `${n}`)] }).catch(() => undefined)
    await expectSound()
  }
})

test('writers of one space never wait for each other, and are put in order once', async () => {
  const clock = testClock()
  const options = { pool, clock, nextTid: createTids(clock) }
  await pool.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy",
       "appAccess", "createdAt") values ($1, 'did:plc:shop', 't', 'k', '{}', '{}', '{}', $2)`,
    [SPACE, clock.now()],
  )
  const store = storeOn(pool)
  let writing = true
  const places: string[] = []
  const ordering = [1, 2].map(async () => {
    while (writing) {
      const ordered = await orderWriters(options, SPACE, async () => true)
      places.push(...ordered.map(({ spaceRev }) => spaceRev))
    }
  })
  const work = Array.from({ length: 120 }, (_, n) =>
    store.applyWrites({
      space: SPACE,
      did: `did:plc:w${n % 12}`,
      writes: [write('put', `k${n}`, '')],
    }),
  )
  await Promise.all(work)
  writing = false
  await Promise.all(ordering)
  await orderWriters(options, SPACE, async () => true)
  expect(new Set(places).size).toBe(places.length)
  const { rows } = await pool.query(
    `select count(*)::int as n, count(distinct "spaceRev")::int as places from repo.writer w
     join repo.repo r using (space, did) where w.rev = r.rev`,
  )
  expect(rows).toEqual([{ n: 12, places: 12 }])
})

test('a log is shortened between writes, never within a rev, and says since when it is whole', async () => {
  const clock = testClock()
  const store = storeOn(pool, { clock })
  const limits = { days: 30, ops: 12 }
  for (let n = 0; n < 10; n++) {
    const writes = ['a', 'b', 'c', 'd', 'e'].map((key) => write('put', key, String(n)))
    await store.applyWrites({ ...at, writes })
  }
  await Promise.all([
    compactLogs({ pool, clock, limits }, undefined, 10),
    store.applyWrites({ ...at, writes: [write('put', 'z', '')] }),
  ])
  const page = (await listOps(pool, { ...at, limit: 1_000 }))!
  expect(page.ops.length).toBeLessThanOrEqual(12)
  expect(page.ops.length % 5).toBe(1)
  const before = await pool.query('select 1 from repo.oplog where rev <= $1', [page.opsSince])
  expect(before.rows).toEqual([])
  expect(page.opsSince < page.ops[0]!.rev).toBe(true)
})

/** Every third statement is answered by the loss of its connection, carried out or not. */
function losing(inner: SqlPool): SqlPool {
  let n = 0
  const query: Sql['query'] = async (...call: Parameters<Sql['query']>) => {
    n += 1
    if (n % 3 === 0) throw new Error('Connection terminated unexpectedly')
    const result = await inner.query(...call)
    if (n % 3 === 1 && n > 3) throw new Error('Connection terminated unexpectedly')
    return result as never
  }
  return { query, connect: () => inner.connect() }
}
