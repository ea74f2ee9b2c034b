import SqliteDatabase from 'better-sqlite3'
import { Database } from '@atproto/pds'
import { Kysely, SqliteDialect } from 'kysely'
import { keepStatements } from './statements.ts'

// Above this many WAL pages (16 MB) SQLite checkpoints on its own when the worker does not.
const SAFETY_NET_PAGES = 4000

export type Opened<Schema> = { db: Database<Schema>; raw: SqliteDatabase.Database }

/** Opens a database as the package does (no busy timeout: the package retries by itself). */
export function openDatabase<Schema>(
  file: string,
  options: { statements: boolean; checkpointsElsewhere: boolean },
): Opened<Schema> {
  const raw = new SqliteDatabase(file, { timeout: 0, fileMustExist: true })
  if (options.checkpointsElsewhere) raw.pragma(`wal_autocheckpoint = ${SAFETY_NET_PAGES}`)
  if (options.statements) keepStatements(raw)
  const db = new Database<Schema>(
    new Kysely<Schema>({ dialect: new SqliteDialect({ database: raw }) }),
  )
  return { db, raw }
}
