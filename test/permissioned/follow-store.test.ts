import { afterAll, describe, expect, test } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import type { FollowStore } from '../../src/permissioned/follow-store.ts'
import { migrations } from '../../src/permissioned/migrations/index.ts'
import { postgresFollowStore } from '../../src/permissioned/postgres-follow-store.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { START } from './follower.ts'
import { memoryFollowStore } from './memory-follow-store.ts'

const SPACE = 'at://did:plc:a/space/com.example.group/main'
const LATER = new Date(START.getTime() + 60_000)
const NONE = { exceptHosts: [], except: [] }

let database: Promise<TestDatabase<unknown>> | undefined
afterAll(async () => (await database)?.close())

async function inPostgres(): Promise<FollowStore> {
  database ??= pgliteDatabase()
  const { db, pool } = await database
  await migrate({ db, schema: 'repo', migrations })
  await pool.query('truncate repo.follow, repo."followReader", repo."followRepo"')
  return postgresFollowStore(pool as unknown as SqlPool)
}

const stores = { memory: async () => memoryFollowStore(), Postgres: inPostgres }

describe.each(Object.keys(stores) as (keyof typeof stores)[])('in %s', (name) => {
  test('a space has readers, and its checkpoint moves only from where it is', async () => {
    const store = await stores[name]()
    await store.follow(SPACE, 'did:plc:z', START)
    await store.follow(SPACE, 'did:plc:b', START)
    await store.follow(SPACE, 'did:plc:b', LATER)
    const row = await store.spaceOf(SPACE)
    expect(row).toEqual({
      space: SPACE,
      readers: ['did:plc:b', 'did:plc:z'],
      state: 'following',
      reason: null,
      checkpoint: null,
      registeredUntil: null,
      nextSweepAt: START,
    })
    const note = (from: string | null, to: string) =>
      store.note(SPACE, { dids: [], move: { from, to }, now: START })
    expect(await note(null, '3a')).toBe(true)
    expect(await note(null, '3b')).toBe(true)
    expect(await note('3a', '3c')).toBe(true)
    await store.registered(SPACE, LATER)
    await store.swept(SPACE, LATER)
    const moved = { ...row, checkpoint: '3c', registeredUntil: LATER, nextSweepAt: LATER }
    expect(await store.spaces('', 10)).toEqual([moved])
    expect(await store.spaces(SPACE, 10)).toEqual([])
    await store.unfollow(SPACE, 'did:plc:b')
    expect(await store.spaceOf(SPACE)).toEqual({ ...moved, readers: ['did:plc:z'] })
  })

  test('a repo that changes while it is fetched stays due', async () => {
    const store = await stores[name]()
    await store.follow(SPACE, null, START)
    const dids = ['did:plc:b', 'did:plc:a', 'did:plc:b']
    expect(await store.note(SPACE, { dids, now: START })).toBe(true)
    const found = await store.due({ now: START, limit: 10, ...NONE })
    expect(found.map(({ did }) => did).toSorted()).toEqual(['did:plc:a', 'did:plc:b'])
    const due = (await store.dueOf(SPACE, 'did:plc:a'))!
    expect(due).toMatchObject({ whole: false, attempts: 0, host: null })
    await store.beginWhole(due)
    expect(await store.dueOf(SPACE, 'did:plc:a')).toMatchObject({ whole: true })
    await store.note(SPACE, { dids: ['did:plc:a'], now: LATER })
    await store.done(due)
    const again = (await store.dueOf(SPACE, 'did:plc:a'))!
    expect(again).toMatchObject({ whole: false, attempts: 0 })
    await store.done(again)
    expect(await store.dueOf(SPACE, 'did:plc:a')).toBeUndefined()
  })

  test('who waits is not due, nor at a host that is left out, nor named', async () => {
    const store = await stores[name]()
    await store.follow(SPACE, null, START)
    await store.note(SPACE, { dids: ['did:plc:a', 'did:plc:b'], now: START })
    const due = (await store.dueOf(SPACE, 'did:plc:a'))!
    await store.later(due, { retryAt: LATER, attempts: 3, host: 'https://h', reason: 'Busy' })
    // Being told of again does not end the waiting.
    await store.note(SPACE, { dids: ['did:plc:a'], now: START })
    const dids = async (now: Date, without: Partial<Parameters<FollowStore['due']>[0]> = {}) =>
      (await store.due({ ...NONE, ...without, limit: 10, now })).map(({ did }) => did)
    expect(await dids(START)).toEqual(['did:plc:b'])
    expect(await dids(LATER)).toEqual(['did:plc:b', 'did:plc:a'])
    expect(await dids(LATER, { exceptHosts: ['https://h'] })).toEqual(['did:plc:b'])
    const except = [{ space: SPACE, did: 'did:plc:b' }]
    expect(await dids(LATER, { except })).toEqual(['did:plc:a'])
    expect(await store.dueOf(SPACE, 'did:plc:a')).toMatchObject({ attempts: 3, host: 'https://h' })
  })

  test('what is stopped holds nothing, and begins from nothing again', async () => {
    const store = await stores[name]()
    await store.follow(SPACE, 'did:plc:z', START)
    const move = { from: null, to: '3a' }
    await store.note(SPACE, { dids: ['did:plc:a'], move, now: START })
    await store.resume(SPACE)
    await store.stop(SPACE, 'UserNotAuthorized', LATER)
    const stopped = { checkpoint: null, nextSweepAt: LATER, reason: 'UserNotAuthorized' }
    expect(await store.spaceOf(SPACE)).toMatchObject({ state: 'forgetting', ...stopped })
    expect(await store.note(SPACE, { dids: ['did:plc:a'], move, now: START })).toBe(false)
    expect(await store.due({ now: LATER, limit: 10, ...NONE })).toEqual([])
    await store.stop(SPACE, 'other', START)
    await store.resume(SPACE)
    expect(await store.spaceOf(SPACE)).toMatchObject({ state: 'forgetting', ...stopped })
    await store.forgotten(SPACE)
    expect(await store.spaceOf(SPACE)).toMatchObject({ state: 'stopped', ...stopped })
    await store.follow(SPACE, 'did:plc:z', START)
    expect(await store.spaceOf(SPACE)).toMatchObject({ reason: null, nextSweepAt: START })
    await store.resume(SPACE)
    expect(await store.spaceOf(SPACE)).toMatchObject({ state: 'following', checkpoint: null })
    await store.unfollow(SPACE, 'did:plc:z')
    await store.forgotten(SPACE)
    expect(await store.spaceOf(SPACE)).toBeDefined()
    await store.stop(SPACE, 'NoReader', LATER)
    await store.forgotten(SPACE)
    expect(await store.spaceOf(SPACE)).toBeUndefined()
  })
})
