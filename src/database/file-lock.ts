import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'

export type FileLock = { release(): void }
export type LockMode = 'shared' | 'exclusive'

/**
 * Takes a lock on `file` (made when missing) or answers undefined when somebody else's forbids it.
 * The kernel holds it through SQLite and drops it with the process, however that ends: unlike a
 * file with a pid in it there is nothing stale to detect and no reused pid to be fooled by.
 */
export function tryLock(file: string, mode: LockMode): FileLock | undefined {
  const lock = new Sqlite(file, { timeout: 0 })
  try {
    lock.exec(mode === 'exclusive' ? 'begin exclusive' : 'begin')
    // A plain transaction locks with its first read.
    if (mode === 'shared') lock.prepare('select count(*) from sqlite_schema').get()
    return { release: () => lock.close() }
  } catch (error) {
    lock.close()
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      return undefined
    throw error
  }
}

/** Waits for a lock on `file`; throws when it is still taken after `waitMs`. */
export async function waitForLock(file: string, mode: LockMode, waitMs: number): Promise<FileLock> {
  const giveUpAt = performance.now() + waitMs
  for (;;) {
    const lock = tryLock(file, mode)
    if (lock) return lock
    if (performance.now() > giveUpAt) {
      throw new Error(`${file} has been locked by another process for ${waitMs / 1000} s`)
    }
    await sleep(40)
  }
}
