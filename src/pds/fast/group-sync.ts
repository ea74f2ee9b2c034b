import fs from 'node:fs'
import { promisify } from 'node:util'

/** Brings what was written to an open file onto the disk, or throws. */
export type Flush = (fd: number, path: string) => Promise<void>

const fdatasync = promisify(fs.fdatasync)

/** The operating system's fdatasync, on the thread pool. */
export const flushToDisk: Flush = (fd) => fdatasync(fd)

/**
 * One file's syncs: whoever asks while one runs shares the next one, so that many commits cost
 * one fdatasync. After a failure every later sync fails too: the kernel may have dropped the
 * pages it could not write, so that a later success would prove nothing about them.
 */
export class GroupSync {
  readonly path: string
  readonly #fd: number
  readonly #flush: Flush
  #waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = []
  #busy = false
  #failure: unknown = undefined

  constructor(path: string, flush: Flush) {
    this.path = path
    // Closing a second descriptor of a database or -shm file would drop SQLite's POSIX locks on
    // it; SQLite holds none on a -wal file.
    this.#fd = fs.openSync(path, 'r+')
    this.#flush = flush
  }

  /** Resolves when all that was written before the call is on disk. */
  sync(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      if (!this.#busy) void this.#run()
    })
  }

  /** Closes the descriptor; only when nobody waits for a sync. */
  close(): void {
    fs.closeSync(this.#fd)
  }

  async #run(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        if (this.#failure !== undefined) throw asError(this.#failure)
        await this.#flush(this.#fd, this.path)
        for (const one of batch) one.resolve()
      } catch (error) {
        this.#failure = error
        for (const one of batch) one.reject(error)
      }
    }
    this.#busy = false
  }
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure))
}
