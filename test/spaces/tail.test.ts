import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Timers, systemTimers } from '../../src/clock.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { silentLog } from '../../src/log.ts'
import { deleteRepo } from '../../src/permissioned/store/delete-repo.ts'
import { lift } from '../../src/permissioned/store/local-records.ts'
import { compactLogs } from '../../src/permissioned/store/oplog.ts'
import { createRepoReads } from '../../src/permissioned/store/repo-reads.ts'
import { createTail } from '../../src/permissioned/store/tail.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { spaceTables } from '../space-database.ts'
import { DID, NOTE, SPACE, clear, storeOn, testClock, write } from './fixture.ts'
import { isWhole, memorySink } from './memory-sink.ts'

const at = { space: SPACE, did: DID }
let database: TestDatabase<unknown>
let pool: SqlPool

beforeAll(async () => {
  database = await pgliteDatabase()
  pool = await spaceTables(database)
})
beforeEach(() => clear(pool))
afterAll(() => database.close())

function stage(sink = memorySink()) {
  const clock = testClock()
  const timers: Timers = { ...systemTimers, now: clock.now }
  const store = storeOn(pool, { clock })
  const make = () => {
    const tail = createTail({ sql: pool, sink, store, timers, log: silentLog })
    onTestFinished(() => tail[Symbol.asyncDispose]())
    return tail
  }
  const put = (rkey: string, text: string, did = DID) =>
    store.applyWrites({ space: SPACE, did, writes: [write('put', rkey, text)] })
  return { sink, store, clock, make, put, tail: make() }
}
const left = async () => (await pool.query('select did, attempts from repo.change')).rows
const shown = (sink: ReturnType<typeof memorySink>, did = DID) => {
  const repo = sink.repos.get(`${SPACE} ${did}`)
  return repo && { whole: isWhole(repo), rev: repo.state?.rev, paths: [...repo.records.keys()] }
}

test('what is written is brought at once, and nothing is left to bring', async () => {
  const { sink, store, tail } = stage()
  tail.start()
  await tail.drain()
  const writes = [write('create', 'a', '1'), write('create', 'b', '2')]
  const { rev } = await store.applyWrites({ ...at, writes })
  await expect.poll(() => shown(sink)?.rev).toBe(rev)
  expect(shown(sink)).toEqual({ whole: true, rev, paths: [`${NOTE}/a`, `${NOTE}/b`] })
  await expect.poll(left).toEqual([])
  await store.applyWrites({ ...at, writes: [write('delete', 'a')] })
  await expect.poll(() => shown(sink)?.paths).toEqual([`${NOTE}/b`])
})

test('what an earlier process left is brought, in steps that never split a rev', async () => {
  const { sink, store, tail } = stage()
  for (let n = 0; n < 12; n++) {
    const writes = Array.from({ length: 190 }, (_, m) => write('put', `k${m}`, `${n}`))
    await store.applyWrites({ ...at, writes })
  }
  await tail.drain()
  expect(sink.calls).toEqual(['apply', 'apply', 'apply'])
  expect(shown(sink)).toMatchObject({ whole: true })
  expect(await left()).toEqual([])
})

test('a process that dies between any two steps loses nothing and shows nothing twice', async () => {
  for (const step of ['stateOf', 'apply', 'applied']) {
    await clear(pool)
    const { sink, put, make, clock, tail } = stage()
    await put('a', '1')
    sink.fail = (at) => {
      if (at === step) throw new Error('killed')
    }
    await tail.drain()
    expect(await left(), step).toEqual([{ did: DID, attempts: 1 }])
    await put('a', '2')
    sink.fail = () => undefined
    clock.step(2_000)
    await make().drain()
    const head = await createRepoReads(pool).stateOf(at)
    expect(shown(sink)).toEqual({ whole: true, rev: head?.rev, paths: [`${NOTE}/a`] })
    expect(await left()).toEqual([])
  }
})

test('a repo that the views refuse waits longer each time and holds up no other', async () => {
  const { sink, put, tail, clock } = stage()
  sink.fail = (step, did) => {
    if (step === 'apply' && did === 'did:plc:bad') throw new Error('poison')
  }
  await put('a', '1', 'did:plc:bad')
  await put('a', '1')
  await tail.drain()
  expect(shown(sink)).toMatchObject({ whole: true })
  expect(await left()).toEqual([{ did: 'did:plc:bad', attempts: 1 }])
  await tail.drain()
  expect(await left()).toMatchObject([{ attempts: 1 }])
  for (const [wait, attempts] of [
    [1_000, 2],
    [1_000, 2],
    [1_000, 3],
    [4_000, 4],
  ] as const) {
    clock.step(wait)
    await put('a', String(wait), 'did:plc:bad')
    await tail.drain()
    expect(await left()).toMatchObject([{ attempts }])
  }
})

test('a repo whose log is gone is brought whole, with what is no longer there taken out', async () => {
  const { sink, store, tail, clock, put } = stage()
  await put('a', '1')
  await put('gone', '1')
  await tail.drain()
  await store.applyWrites({ ...at, writes: [write('delete', 'gone'), write('put', 'b', '1')] })
  await put('a', '2')
  clock.step(31 * 86_400_000)
  expect(await compactLogs({ pool, clock }, undefined, 10)).toBeUndefined()
  expect((await pool.query('select 1 from repo.oplog')).rows).toEqual([])
  await tail.drain()
  expect(sink.calls).toContain('page')
  expect(shown(sink)).toMatchObject({ whole: true, paths: [`${NOTE}/a`, `${NOTE}/b`] })
})

test('views that hold another state, or a newer one, are made right', async () => {
  for (const change of ['other', 'newer'] as const) {
    await clear(pool)
    const { sink, tail, put } = stage()
    await put('a', '1')
    await tail.drain()
    const repo = sink.repos.get(`${SPACE} ${DID}`)!
    if (change === 'other')
      repo.records.set(`${NOTE}/x`, { cid: 'bafy', rev: '2', bytes: Buffer.of() })
    if (change === 'other') repo.state!.setHash = Buffer.alloc(2_048, 1)
    else repo.state!.rev = 'zzzzzzzzzzzzz'
    await put('b', '1')
    await tail.drain()
    expect(shown(sink)).toMatchObject({ whole: true, paths: [`${NOTE}/a`, `${NOTE}/b`] })
  }
})

test('a deleted repo is forgotten, and one made again is newer', async () => {
  const { sink, tail, put, store, clock } = stage()
  const first = await put('a', '1')
  await tail.drain()
  clock.step(-86_400_000)
  expect(await deleteRepo({ pool, clock }, at)).toBe(true)
  expect(await createRepoReads(pool).stateOf(at)).toBeUndefined()
  await tail.drain()
  expect(shown(sink)).toBeUndefined()
  const again = await storeOn(pool, { clock }).applyWrites({
    ...at,
    writes: [write('put', 'a', '1')],
  })
  expect(again.rev > first.rev).toBe(true)
  expect(again.hash).toEqual(first.hash)
  // This one still remembers the repo that was deleted.
  await store.applyWrites({ ...at, writes: [write('create', 'b', '1')] })
  await tail.drain()
  expect(shown(sink)).toMatchObject({ whole: true, paths: [`${NOTE}/a`, `${NOTE}/b`] })
})

test('local records are in the views and nowhere else, and are lifted once', async () => {
  const { sink, store, tail, clock } = stage()
  const evidence = { iss: DID, lxm: 'com.example.post', jti: 'one' }
  const writes = [write('create', 'a', '1')]
  await store.applyWrites({ ...at, writes, source: 'local', evidence })
  await tail.drain()
  expect(shown(sink)).toMatchObject({ whole: true })
  const reads = createRepoReads(pool)
  expect(await reads.stateOf(at)).toBeUndefined()
  expect(await reads.getRecord({ ...at, collection: NOTE, rkey: 'a' })).toBeUndefined()
  expect((await reads.listRecords({ ...at, limit: 9 })).records).toEqual([])
  expect((await reads.listSpacesOf({ did: DID, limit: 9 })).spaces).toEqual([])
  const told = await pool.query('select 1 from repo.outbox union all select 1 from repo.writer')
  expect(told.rows).toEqual([])
  await expect(store.applyWrites({ ...at, writes: [write('put', 'b', '')] })).rejects.toThrow(
    'kept',
  )
  const lifted = await lift({ pool, clock }, at)
  expect(lifted).toMatchObject([{ collection: NOTE, rkey: 'a', evidence }])
  expect(await lift({ pool, clock }, at)).toEqual([])
  await tail.drain()
  expect(sink.calls).not.toContain('forget')
  await store.applyWrites({ ...at, writes: [write('put', 'b', '')] })
  expect(await reads.stateOf(at)).toBeDefined()
})
