import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collections } from '../../src/appview/collections/index.ts'
import { Indexer } from '../../src/appview/index-record.ts'
import { migrations } from '../../src/appview/migrations/index.ts'
import type { SqlPool } from '../../src/appview/sql.ts'
import { prepareViewTables } from '../../src/appview/view-tables.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { openKysely } from '../../src/database/pool.ts'
import { silentLog } from '../../src/log.ts'

/** Where everything is kept; `data` is the folder that Postgres works in. */
export type Stage = Database & { readonly data: string }

/** Starts a Postgres with all tables of the AppView, in a folder of its own. */
export async function openStage(): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'angelos-ingest-'))
  const database = await openDatabase({ dataDir, log: silentLog })
  const { pool } = database
  await migrate({ db: openKysely(pool), schema: 'node', migrations })
  const sql = pool as unknown as SqlPool
  await prepareViewTables({ pool: sql, indexer: new Indexer(collections), log: silentLog })
  const { rows } = await pool.query<{ data_directory: string }>('show data_directory')
  return {
    ...database,
    data: rows[0]!.data_directory,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      removeEmbedded(dataDir)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
