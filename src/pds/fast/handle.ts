import { statSync } from 'node:fs'
import { InvalidRequestError } from '@atproto/xrpc-server'
import type SqliteDatabase from 'better-sqlite3'
import { type Flush, GroupSync } from './group-sync.ts'
import { openDatabase } from './open-database.ts'
import { type ActorDb } from './package-parts.ts'

// 16 MB for each connection is the build's default: too much for hundreds of them.
const CACHE_KIB = 2048

export type HandleOptions = {
  statements: boolean
  checkpointsElsewhere: boolean
  /** Given: commits are not synced by SQLite, the owner calls `sync` before it answers. */
  flush: Flush | undefined
}

/** One open connection to an account's database. Whoever owns it counts its leases. */
export class Handle {
  readonly db: ActorDb
  readonly raw: SqliteDatabase.Database
  readonly file: string
  leases = 0
  retired = false
  readonly #identity: string
  readonly #sync: GroupSync | undefined

  constructor(opened: {
    db: ActorDb
    raw: SqliteDatabase.Database
    file: string
    identity: string
    sync: GroupSync | undefined
  }) {
    this.db = opened.db
    this.raw = opened.raw
    this.file = opened.file
    this.#identity = opened.identity
    this.#sync = opened.sync
  }

  /** Whether the file at the path is still the one that is open. */
  isCurrent(): boolean {
    return identityOf(this.file) === this.#identity
  }

  /** Resolves when every commit made on this handle before the call survives a power cut. */
  async sync(): Promise<void> {
    await this.#sync?.sync()
  }

  /** The last handle of a file checkpoints its WAL into it and syncs it, as SQLite does. */
  close(): void {
    this.raw.close()
    this.#sync?.close()
  }
}

/** Opens an account's database; `NotFound` (400) as in the package if there is none. */
export async function openHandle(file: string, options: HandleOptions): Promise<Handle> {
  const identity = identityOf(file)
  if (identity === undefined) throw new InvalidRequestError('Repo not found', 'NotFound')
  const { db, raw }: { db: ActorDb; raw: SqliteDatabase.Database } = openDatabase(file, options)
  try {
    // As the package: waits out a WAL recovery. Before the pragmas, which read the schema too.
    await db.executeWithRetry(db.db.selectFrom('repo_root').selectAll())
    raw.pragma(`cache_size = -${CACHE_KIB}`)
    const grouped = options.flush !== undefined && raw.pragma('journal_mode', { simple: true })
    const inWal = grouped === 'wal'
    raw.pragma(`synchronous = ${inWal ? 'NORMAL' : 'FULL'}`)
    const sync =
      inWal && options.flush !== undefined ? new GroupSync(`${file}-wal`, options.flush) : undefined
    return new Handle({ db, raw, file, identity, sync })
  } catch (error) {
    raw.close()
    throw error
  }
}

function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`
}
