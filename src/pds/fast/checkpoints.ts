import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Log } from '../../log.ts'
import { type CheckpointReply, type CheckpointRequest } from './checkpoint-worker.ts'

/**
 * Has a worker thread checkpoint a database after every so many commits. If the worker is late
 * or gone, SQLite's own checkpoint limit (`openDatabase`) does it instead.
 */
export class Checkpoints {
  readonly #worker: Worker
  readonly #commits = new Map<string, number>()
  readonly #asked = new Set<string>()
  #gone = false

  constructor(log: Log) {
    this.#worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url))
    this.#worker.unref()
    this.#worker.on('message', (reply: CheckpointReply) => {
      this.#asked.delete(reply.file)
      // A deleted account's file is gone, as it should be.
      if (reply.error === undefined || !existsSync(reply.file)) return
      log.warn({ file: reply.file, error: reply.error }, 'a checkpoint failed')
    })
    this.#worker.on('error', (error) => log.error({ error }, 'the checkpoint thread failed'))
    this.#worker.on('exit', () => {
      this.#gone = true
    })
  }

  /** Counts a commit to `file`; every `every`-th asks for a checkpoint. */
  committed(file: string, every: number): void {
    const commits = (this.#commits.get(file) ?? 0) + 1
    if (commits < every) {
      this.#commits.set(file, commits)
      return
    }
    this.#commits.delete(file)
    if (this.#gone || this.#asked.has(file)) return
    this.#asked.add(file)
    this.#post({ file })
  }

  /** Lets the worker finish what it was asked for, and ends it. */
  async close(): Promise<void> {
    if (this.#gone) return
    const exited = once(this.#worker, 'exit')
    this.#worker.ref()
    this.#post({ close: true })
    await exited
  }

  #post(request: CheckpointRequest): void {
    this.#worker.postMessage(request)
  }
}
