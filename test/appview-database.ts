import { afterAll } from 'vitest'
import { collections as all } from '../src/appview/collections/index.ts'
import type { Collection, Row } from '../src/appview/define.ts'
import { Indexer, type Write } from '../src/appview/index-record.ts'
import { tableName } from '../src/appview/schema.ts'
import { type SqlPool, transaction } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { silentLog } from '../src/log.ts'
import { type FreshDatabase, freshDatabase } from './database/fresh.ts'

/** When every test write happens, unless the test says otherwise. */
export const NOW = new Date('2026-11-23T12:00:00Z')

/** A database with every table of the AppView, and an indexer writing into it. */
export type AppViewDatabase = {
  pool: SqlPool
  indexer: Indexer
  write: (w: Write) => ReturnType<Indexer['write']>
  rows: (c: Collection) => Promise<Row[]>
  clear: () => Promise<void>
}

let shared: Promise<FreshDatabase<unknown>> | undefined

/** The AppView's tables in a database of the test file's own, emptied for each caller. */
export async function appViewDatabase(collections = all): Promise<AppViewDatabase> {
  if (!shared) {
    shared = freshDatabase()
    afterAll(async () => (await shared)?.close())
  }
  const { pool } = await shared
  const made = await appViewOn(pool as unknown as SqlPool, collections)
  await made.clear()
  return made
}

/** The AppView's tables in a database that has the base tables already. */
export async function appViewOn(
  pool: SqlPool,
  collections: readonly Collection[] = all,
): Promise<AppViewDatabase> {
  const indexer = new Indexer(collections)
  await prepareViewTables({ pool, indexer, log: silentLog })
  const tables = [...collections.map((c) => tableName(c.table)), ...BASE]
  return {
    pool,
    indexer,
    write: (w) => transaction(pool, (tx) => indexer.write(tx, w, { now: NOW })),
    rows: async (c) => (await pool.query<Row>(`select * from ${tableName(c.table)}`)).rows,
    clear: () => clear(pool, tables),
  }
}

/** Truncating makes new files for each table and index, so it is left to those that hold rows. */
async function clear(pool: SqlPool, tables: readonly string[]): Promise<void> {
  const asked = tables.map((t) => `select '${t}' as filled where exists (select from ${t})`)
  const { rows } = await pool.query<{ filled: string }>(asked.join(' union all '))
  if (rows.length > 0) await pool.query(`truncate ${rows.map((r) => r.filled).join(', ')}`)
}

const BASE = [
  'record',
  '"spaceRecord"',
  '"spaceRepo"',
  'account',
  'host',
  'cursor',
  '"refusedCommit"',
  '"feedHead"',
  'feed',
].map((table) => `appview.${table}`)
