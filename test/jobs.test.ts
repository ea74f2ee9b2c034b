import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SqlPool } from '../src/database/sql.ts'
import { type Jobs, openJobs } from '../src/jobs/jobs.ts'
import { silentLog } from '../src/log.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'

let database: NativeDatabase<unknown>
let jobs: Jobs & AsyncDisposable

beforeAll(async () => {
  database = await nativeDatabase()
  jobs = await openJobs({ pool: database.pool as unknown as SqlPool, log: silentLog })
})
afterAll(async () => {
  await jobs?.[Symbol.asyncDispose]()
  await database?.close()
})

const job = (queue: string, key: string) => ({ queue, key, data: { key } })

test('a job is done once its transaction is committed, and once however often it is queued', async () => {
  const done: string[] = []
  await jobs.work('greet', async ({ key }) => void done.push(String(key)))
  for (const key of ['a', 'b', 'a']) await jobs.transact((_tx, queue) => queue(job('greet', key)))
  await expect
    .poll(() => done.toSorted((x, y) => x.localeCompare(y)), { timeout: 10_000 })
    .toEqual(['a', 'b'])
  await jobs.transact((_tx, queue) => queue(job('greet', 'a')))
  await sleep(2_500)
  expect(done).toHaveLength(2)
})

test('a job of a transaction that failed is never done', async () => {
  const done: string[] = []
  await jobs.work('never', async ({ key }) => void done.push(String(key)))
  const failing = jobs.transact(async (_tx, queue) => {
    await queue(job('never', 'x'))
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  await jobs.transact((_tx, queue) => queue(job('never', 'y')))
  await expect.poll(() => done, { timeout: 10_000 }).toEqual(['y'])
})

test('a job that fails is tried again, and one that waits is waited for', async () => {
  const tried: unknown[] = []
  await jobs.work('retry', async ({ key }) => {
    tried.push(key)
    if (tried.length === 1) throw new Error('not yet')
  })
  await jobs.transact((_tx, queue) => queue({ ...job('retry', 'x'), afterSeconds: 1 }))
  expect(tried).toEqual([])
  await expect.poll(() => tried, { timeout: 25_000 }).toEqual(['x', 'x'])
}, 30_000)

test('many jobs are done one after the other, without waiting between them', async () => {
  const done: unknown[] = []
  await jobs.transact(async (_tx, queue) => {
    for (let n = 0; n < 40; n += 1) await queue(job('many', `n${n}`))
  })
  await jobs.work('many', async ({ key }) => void done.push(key))
  await expect.poll(() => done.length, { timeout: 10_000 }).toBe(40)
})
