import { availableParallelism } from 'node:os'
import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Backoff, backOff } from '../pacing/backoff.ts'
import { type Pending, VerifyThread } from './verify-thread.ts'
import { type Verdict, type Verifier, type VerifyJob, verifyHere } from './verifier.ts'

/** How a pool verifies, and with what. */
export type PoolOptions = {
  /** beginning of the NSIDs of collections whose records are wanted */
  collections: string
  timers: Timers
  log: Log
  /** threads beside this one; one for each further core unless said */
  workers?: number
  /** waiting times before a thread that has ended is replaced */
  retry?: Backoff
  /** what the threads run */
  script?: URL
}

/** So many jobs waiting, about 8 ms of work, start the threads. */
const BACKLOG = 64
/** Jobs and bytes of one batch; fewer jobs than the least are not worth the way. */
const BATCH = { least: 16, most: 64, bytes: 1_000_000 }
/** Other work of the process waits so long, in ms, for a run of verifications. */
const SLICE_MS = 3
const RETRY = { firstMs: 1000, maxMs: 60_000 }
const SCRIPT = new URL('./verify-worker.ts', import.meta.url)

/**
 * A verifier that does what is given in one turn of the event loop in this thread, and from a
 * backlog on shares it with worker threads, which are started then. What they cannot take, this
 * thread does, in short slices: on the way to a worker a commit costs it less than a tenth of what
 * verifying costs. Jobs of a thread that has ended are done here, and the thread is replaced.
 */
export function pooledVerifier(options: PoolOptions): Verifier {
  return new VerifyPool(options)
}

class VerifyPool implements Verifier {
  readonly #options: PoolOptions
  readonly #waiting: Pending[] = []
  readonly #threads = new Set<VerifyThread>()
  readonly #closing = new AbortController()
  readonly #idle = Promise.withResolvers<void>()
  #queued = 0
  /** ends in a row without an answer between, and threads that wait before they are replaced */
  #ends = 0
  #resting = 0
  #isPlanned = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  get queued(): number {
    return this.#queued
  }

  async verify(job: VerifyJob): Promise<Verdict> {
    if (this.#closing.signal.aborted) throw new Error('the verifier is closed')
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
    this.#queued += 1
    this.#waiting.push({ job, resolve, reject })
    this.#plan()
    try {
      return await promise
    } finally {
      this.#queued -= 1
      if (this.#queued === 0 && this.#closing.signal.aborted) this.#idle.resolve()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#queued > 0) await this.#idle.promise
    await Promise.all([...this.#threads].map((thread) => thread.end()))
  }

  #plan(): void {
    if (this.#isPlanned || this.#waiting.length === 0) return
    this.#isPlanned = true
    // What other accounts bring in this turn of the event loop is known after it.
    setImmediate(() => {
      this.#isPlanned = false
      this.#share()
      this.#verifySlice()
      this.#plan()
    })
  }

  #share(): void {
    const { collections, workers = availableParallelism() - 1 } = this.#options
    if (this.#waiting.length >= BACKLOG) {
      while (this.#threads.size + this.#resting < workers) this.#start()
    }
    for (const thread of this.#threads) {
      while (thread.isFree && this.#waiting.length >= BATCH.least) {
        thread.give(this.#waiting.splice(0, this.#sizeOfBatch()), collections)
      }
    }
  }

  #sizeOfBatch(): number {
    const most = Math.min(BATCH.most, this.#waiting.length)
    let bytes = 0
    for (let count = 0; count < most; count += 1) {
      bytes += this.#waiting[count]?.job.message.frame.length ?? 0
      if (bytes > BATCH.bytes) return Math.max(1, count)
    }
    return most
  }

  #verifySlice(): void {
    const end = performance.now() + SLICE_MS
    while (this.#waiting.length > 0) {
      for (const pending of this.#waiting.splice(0, 4)) this.#verifyNow(pending)
      if (performance.now() >= end) return
    }
  }

  #verifyNow({ job, resolve, reject }: Pending): void {
    try {
      resolve(verifyHere(job, this.#options.collections))
    } catch (error) {
      reject(error)
    }
  }

  #start(): void {
    const { script = SCRIPT, log } = this.#options
    const thread: VerifyThread = new VerifyThread(script, {
      onAnswered: () => {
        this.#ends = 0
        this.#plan()
      },
      onLost: (jobs, error) => {
        this.#threads.delete(thread)
        for (const pending of jobs) this.#verifyNow(pending)
        if (this.#closing.signal.aborted) return
        log.error({ err: error, jobs: jobs.length }, 'a verifying thread has ended')
        void this.#rest()
      },
    })
    this.#threads.add(thread)
  }

  /** A thread that ends again and again may not take all our time. */
  async #rest(): Promise<void> {
    const { retry = RETRY, timers } = this.#options
    this.#resting += 1
    this.#ends += 1
    await backOff(retry, this.#ends - 1, { timers, signal: this.#closing.signal })
    this.#resting -= 1
  }
}
