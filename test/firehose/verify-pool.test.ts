import { expect, test } from 'vitest'
import { systemTimers } from '../../src/clock.ts'
import { decodeFrame } from '../../src/firehose/frame.ts'
import { pooledVerifier } from '../../src/firehose/verify-pool.ts'
import { type VerifyJob, inlineVerifier } from '../../src/firehose/verifier.ts'
import { silentLog } from '../../src/log.ts'
import { FakeRepo } from './fake-repo.ts'
import { lies } from './lies.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const collections = 'co.kendev.'
const repo = await FakeRepo.create(DID)
const jobs = await someJobs(40)
const inline = inlineVerifier({ collections })
const options = { collections, timers: systemTimers, log: silentLog, workers: 1 }
const backoff = { firstMs: 1024, maxMs: 60_000 }
const wasting = { script: new URL('./wasting-worker.ts', import.meta.url) }
const dying = { script: new URL('./ending-worker.ts', import.meta.url) }

test('verdicts from threads are those of this thread, record for record', async () => {
  const pool = pooledVerifier(options)
  const backlog = Array.from({ length: 20 }, () => jobs).flat()
  const verdicts = await Promise.all(backlog.map((job) => pool.verify(job)))
  const here = await Promise.all(backlog.map((job) => inline.verify(job)))
  expect(structuredClone(verdicts)).toEqual(structuredClone(here))
  expect(new Set(verdicts.map(({ ok }) => ok))).toEqual(new Set([true, false]))
  await pool.close()
})

test('a backlog is shared with threads, and a few jobs are not', async () => {
  const dead: object[] = []
  const log = { ...silentLog, error: (what: object) => void dead.push(what) } as typeof silentLog
  const pool = pooledVerifier({ ...options, ...dying, log })
  await Promise.all(jobs.map((job) => pool.verify(job)))
  expect(dead).toEqual([])
  await Promise.all([...jobs, ...jobs, ...jobs].map((job) => pool.verify(job)))
  expect(dead.length).toBe(1)
  await pool.close()
})

test('jobs of a thread that has ended are done here, and it is not replaced at once', async () => {
  let ends = 0
  const log = { ...silentLog, error: () => void (ends += 1) } as typeof silentLog
  const sleeps: number[] = []
  const timers = { ...systemTimers, sleep: async (ms: number) => void sleeps.push(ms) }
  const pool = pooledVerifier({ ...options, ...dying, log, timers, retry: backoff })
  for (let round = 0; round < 4; round += 1) {
    const backlog = [...jobs, ...jobs, ...jobs]
    const verdicts = await Promise.all(backlog.map((job) => pool.verify(job)))
    const here = await Promise.all(backlog.map((job) => inline.verify(job)))
    expect(structuredClone(verdicts)).toEqual(structuredClone(here))
  }
  expect(ends).toBe(4)
  expect(sleeps.map((ms) => Math.ceil(Math.log2(ms)))).toEqual([10, 11, 12, 13])
  await pool.close()
})

test('closing waits for the verdicts, and afterwards there are none', async () => {
  const pool = pooledVerifier(options)
  const backlog = Array.from({ length: 10 }, () => jobs).flat()
  let answered = 0
  for (const job of backlog) void pool.verify(job).then(() => (answered += 1))
  expect(pool.queued).toBe(backlog.length)
  await pool.close()
  expect(answered).toBe(backlog.length)
  expect(pool.queued).toBe(0)
  await expect(pool.verify(jobs[0]!)).rejects.toThrow('closed')
})

test('while a backlog is worked off, other work of the process gets its turn', async () => {
  const pool = pooledVerifier({ ...options, workers: 0 })
  const backlog = Array.from({ length: 40 }, () => jobs).flat()
  let turns = 0
  const turn = setInterval(() => (turns += 1), 1)
  await Promise.all(backlog.map((job) => pool.verify(job)))
  clearInterval(turn)
  expect(turns).toBeGreaterThan(5)
  await pool.close()
})

test('a thread keeps little room for new objects, however many it has made', async () => {
  const pool = pooledVerifier({ ...options, ...wasting })
  const backlog = [...jobs, ...jobs, ...jobs]
  const answers = await Promise.allSettled(backlog.map((job) => pool.verify(job)))
  const sizes = answers.flatMap((one) => (one.status === 'rejected' ? [Number(one.reason)] : []))
  expect(sizes.length).toBeGreaterThan(0)
  expect(Math.max(...sizes)).toBeLessThan(20_000_000)
  await pool.close()
})

/** Commits that are true and some that are not. */
async function someJobs(count: number): Promise<VerifyJob[]> {
  const made: VerifyJob[] = []
  for (let n = 0; n < count; n += 1) {
    const record = { text: `note ${n}` }
    const write = { action: 'create', collection: 'co.kendev.test.note', rkey: `n${n}`, record }
    const lie = n % 8 === 0 ? lies[n / 8]?.tampering() : undefined
    const decoded = decodeFrame(await repo.write(n, [{ ...write, action: 'create' }], lie))
    if (decoded.kind !== 'message' || decoded.message.kind !== 'commit')
      throw new Error('no commit')
    made.push({ message: decoded.message, identity: repo.identity(), now: new Date() })
  }
  return made
}
