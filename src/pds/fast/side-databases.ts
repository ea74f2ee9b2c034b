import { type Database, type PDS } from '@atproto/pds'
import type SqliteDatabase from 'better-sqlite3'
import { openDatabase } from './open-database.ts'

type SchemaOf<D> = D extends Database<infer Schema> ? Schema : never
type Accounts = SchemaOf<PDS['ctx']['accountManager']['db']>
type Events = SchemaOf<PDS['ctx']['sequencer']['db']>

export type SideDatabases = { accounts: SqliteDatabase.Database; close(): void }

/** Opens the account and the sequencer database anew, with kept statements, for the PDS to use. */
export function reopenSideDatabases(
  pds: PDS,
  options: { statements: boolean; checkpointsElsewhere: boolean },
): SideDatabases {
  const { accountManager, sequencer, cfg } = pds.ctx
  const accounts = openDatabase<Accounts>(cfg.db.accountDbLoc, options)
  const events = openDatabase<Events>(sequencer.dbLocation, options)
  const replaced = [accountManager.db, sequencer.db]
  // Declared read-only, but only to protect it from a change by mistake.
  Object.assign(accountManager, { db: accounts.db })
  sequencer.db = events.db
  for (const db of replaced) db.close()
  return {
    accounts: accounts.raw,
    close: () => {
      accounts.raw.close()
      events.raw.close()
    },
  }
}
