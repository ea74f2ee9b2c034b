import { systemClock } from '../../clock.ts'
import type SqliteDatabase from 'better-sqlite3'
import { type AccountManager } from './package-parts.ts'

const UPSERT = `insert into repo_root (did, cid, rev, "indexedAt") values (?, ?, ?, ?)
  on conflict (did) do update set cid = excluded.cid, rev = excluded.rev`

/**
 * Writes an account's root with one prepared statement, at once: nothing is put off that a crash
 * could lose. While somebody else's transaction is open on the connection, or the database is
 * busy, the package's own way waits for its turn.
 */
export function writeRootsDirectly(
  accounts: AccountManager,
  connection: SqliteDatabase.Database,
): void {
  const update = accounts.updateRepoRoot.bind(accounts)
  const upsert = connection.prepare<[string, string, string, string]>(UPSERT)
  accounts.updateRepoRoot = async (did, cid, rev) => {
    if (connection.inTransaction) return update(did, cid, rev)
    try {
      upsert.run(did, cid.toString(), rev, systemClock.now().toISOString())
    } catch (error) {
      if (!isBusy(error)) throw error
      await update(did, cid, rev)
    }
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_BUSY')
}
