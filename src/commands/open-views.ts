import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { collections } from '../appview/collections/index.ts'
import { Indexer } from '../appview/index-record.ts'
import type { SqlPool } from '../appview/sql.ts'
import { viewTablesFit } from '../appview/view-tables.ts'
import type { Config } from '../config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { silentLog } from '../log.ts'
import { UsageError } from './command.ts'

/** The node's tables as a second process has them, beside the node or without it. */
export type Views = AsyncDisposable & {
  readonly database: Database
  readonly pool: SqlPool
  readonly indexer: Indexer
}

/** Opens the database of the data folder, whether the node runs or not; an embedded one that was
 *  not running is stopped in the end. Throws `UsageError` when there is none yet. */
export async function openViews(config: Config): Promise<Views> {
  const dataDir = resolve(config.ANGELOS_DATA_DIR)
  if (!existsSync(join(dataDir, 'keys')))
    throw new UsageError(`${dataDir} is not a node’s data folder. Set ANGELOS_DATA_DIR.`)
  const database = await openDatabase({ dataDir, url: config.DATABASE_URL, log: silentLog })
  return {
    database,
    pool: database.pool as unknown as SqlPool,
    indexer: new Indexer(collections),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

/** Throws `UsageError` unless the tables are there and as this program declares them. */
export async function requireTables({ pool, indexer }: Views): Promise<void> {
  const { rows } = await pool.query<{ found: boolean }>(
    `select to_regclass('appview."viewTable"') is not null as found`,
  )
  if (!rows[0]?.found || !(await viewTablesFit(pool, indexer.collections)))
    throw new UsageError('The tables are not those of this program: start the node with it first.')
}

/** Whether a node answers where the settings say; one that starts or stops does not. */
export async function nodeAnswers(config: Config): Promise<boolean> {
  const asked = fetch(`${config.localUrl}/xrpc/_health`, { signal: AbortSignal.timeout(5_000) })
  const answered = await asked.catch(() => undefined)
  await answered?.body?.cancel()
  return answered !== undefined
}
