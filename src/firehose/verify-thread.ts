import { Worker } from 'node:worker_threads'
import { type Answers, packBatch } from './verify-batch.ts'
import type { Verdict, VerifyJob } from './verifier.ts'

/** A job and whom to tell. */
export type Pending = {
  job: VerifyJob
  resolve: (verdict: Verdict) => void
  reject: (error: unknown) => void
}

/** What a thread tells its pool. */
export type ThreadOwner = {
  /** a batch was answered, so it can take another one */
  onAnswered: () => void
  /** the thread has ended by itself; these jobs are without an answer */
  onLost: (jobs: Pending[], error: unknown) => void
}

/** A batch is verified while the next one waits, so the thread never waits for this one. */
const IN_FLIGHT = 2
/** V8 lets the space of a thread for new objects grow to 128 MB, a step for each few thousand
 *  commits, and gives hardly any of it back. A commit leaves nothing behind, so a collection finds
 *  little to keep in a small space as well, and takes no longer. */
const LIMITS = { maxYoungGenerationSizeMb: 24 }

/** One verifying thread. It keeps the process alive only while it has something to do. */
export class VerifyThread {
  readonly #worker: Worker
  readonly #batches = new Map<number, Pending[]>()
  readonly #owner: ThreadOwner
  #nextId = 0
  #error: unknown = new Error('a verifying thread has ended')

  /** Starts at once; batches given before it runs wait for it. */
  constructor(script: URL, owner: ThreadOwner) {
    this.#owner = owner
    this.#worker = new Worker(script, { resourceLimits: LIMITS })
    this.#worker.unref()
    this.#worker.on('message', (answers: Answers) => this.#settle(answers))
    this.#worker.on('error', (error) => void (this.#error = error))
    this.#worker.on('exit', () => {
      const jobs = [...this.#batches.values()].flat()
      this.#batches.clear()
      owner.onLost(jobs, this.#error)
    })
  }

  /** Whether it can take a batch now. */
  get isFree(): boolean {
    return this.#batches.size < IN_FLIGHT
  }

  /** Takes a batch of which the records of collections that begin with `prefix` are wanted. */
  give(jobs: Pending[], prefix: string): void {
    this.#nextId += 1
    const packed = jobs.map(({ job }) => job)
    const batch = packBatch(this.#nextId, packed, prefix)
    this.#batches.set(batch.id, jobs)
    this.#worker.ref()
    this.#worker.postMessage(batch, [batch.frames])
  }

  /** Ends the thread; settles when it is gone. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle({ id, verdicts }: Answers): void {
    const jobs = this.#batches.get(id) ?? []
    this.#batches.delete(id)
    if (this.#batches.size === 0) this.#worker.unref()
    for (const [index, { resolve, reject }] of jobs.entries()) {
      const verdict = verdicts[index]
      if (verdict === undefined || verdict.ok === 'broken') reject(verdict?.error)
      else resolve(verdict)
    }
    this.#owner.onAnswered()
  }
}
