import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { expect, test } from 'vitest'
import { flushToDisk } from './group-sync.ts'
import { type Handle, openHandle } from './handle.ts'
import { HandleCache } from './handles.ts'

function fixture(max: number): {
  cache: HandleCache
  make: (did: string) => void
  remove: (did: string) => void
  opened: Handle[]
} {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'handles-'))
  const opened: Handle[] = []
  const fileOf = (did: string): string => path.join(dir, did, 'store.sqlite')
  const cache = new HandleCache({
    max,
    open: async (did) => {
      const options = { statements: true, checkpointsElsewhere: false, flush: flushToDisk }
      const handle = await openHandle(fileOf(did), options)
      opened.push(handle)
      return handle
    },
  })
  const make = (did: string): void => {
    mkdirSync(path.dirname(fileOf(did)), { recursive: true })
    const db = new SqliteDatabase(fileOf(did))
    db.pragma('journal_mode = WAL')
    db.exec('create table if not exists repo_root (did text, cid text, rev text)')
    db.close()
  }
  return {
    cache,
    make,
    remove: (did) => rmSync(path.dirname(fileOf(did)), { recursive: true }),
    opened,
  }
}

test('leases of one account at one time share one connection', async () => {
  const { cache, make, opened } = fixture(4)
  make('a')
  const leases = await Promise.all([cache.lease('a'), cache.lease('a'), cache.lease('a')])
  expect(opened).toHaveLength(1)
  expect(leases[0].handle.leases).toBe(3)
  for (const lease of leases) lease.release()
  leases[0].release()
  expect(leases[0].handle.leases).toBe(0)
  cache.close()
})

test('more accounts than connections: idle ones close, leased ones stay', async () => {
  const { cache, make } = fixture(2)
  for (const did of ['a', 'b', 'c', 'd']) make(did)
  const kept = await cache.lease('a')
  for (const did of ['b', 'c', 'd', 'b']) (await cache.lease(did)).release()
  expect(cache.size).toBe(2)
  expect(kept.handle.raw.open).toBe(true)
  kept.release()
  cache.close()
  expect(kept.handle.raw.open).toBe(false)
})

test('many leases of many accounts through one place never meet a closed connection', async () => {
  const { cache, make } = fixture(1)
  const dids = ['a', 'b', 'c', 'd', 'e']
  for (const did of dids) make(did)
  const use = async (did: string): Promise<void> => {
    const lease = await cache.lease(did)
    expect(lease.handle.raw.prepare('select 1').all()).toHaveLength(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(lease.handle.raw.prepare('select 1').all()).toHaveLength(1)
    lease.release()
  }
  await Promise.all(Array.from({ length: 200 }, (_, index) => use(dids[index % 5] ?? 'a')))
  cache.close()
})

test('a file that was replaced is opened anew, and the old lease ends on the old file', async () => {
  const { cache, make, remove } = fixture(4)
  make('a')
  const old = await cache.lease('a')
  old.handle.raw.prepare("insert into repo_root values ('a', 'old', '1')").run()
  remove('a')
  await expect(cache.lease('a')).rejects.toMatchObject({ message: 'Repo not found' })
  make('a')
  const fresh = await cache.lease('a')
  fresh.handle.raw.prepare("insert into repo_root values ('a', 'new', '2')").run()
  old.release()
  expect(old.handle.raw.open).toBe(false)
  await fresh.handle.sync()
  fresh.release()
  cache.close()
  const again = fixtureRead(fresh.handle.file)
  expect(again).toEqual([{ cid: 'new' }])
})

test('a connection left inside a transaction is not handed out again', async () => {
  const { cache, make } = fixture(4)
  make('a')
  const broken = await cache.lease('a')
  broken.handle.raw.prepare('begin').run()
  broken.release()
  const fresh = await cache.lease('a')
  expect(fresh.handle).not.toBe(broken.handle)
  expect(fresh.handle.raw.inTransaction).toBe(false)
  fresh.release()
  cache.close()
})

test('what is being opened while its account is forgotten is not kept', async () => {
  const { cache, make } = fixture(4)
  make('a')
  const opening = cache.lease('a')
  cache.forget('a')
  const lease = await opening
  expect(cache.size).toBe(0)
  expect(lease.handle.raw.open).toBe(true)
  lease.release()
  expect(lease.handle.raw.open).toBe(false)
})

test('a closed cache leases nothing', async () => {
  const { cache, make } = fixture(4)
  make('a')
  cache.close()
  await expect(cache.lease('a')).rejects.toThrow('closed')
})

function fixtureRead(file: string): unknown[] {
  const db = new SqliteDatabase(file, { readonly: true })
  const rows = db.prepare('select cid from repo_root').all()
  db.close()
  return rows
}
