import { createHash } from 'node:crypto'
import type { Log } from '../log.ts'
import { zoneDataVersion } from './booking/local-time.ts'
import type { Collection } from './define.ts'
import type { Indexer } from './index-record.ts'
import { keptPages } from './kept-pages.ts'
import { SCHEMA, indexesSql, tableName, tableSql } from './schema.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'

const LOCK = 0x616e_6765

/** Makes the collections' tables what their declarations ask for. Views hold nothing that the kept
 *  records do not, so a table whose declaration changed is made anew and filled from them, in one
 *  transaction; two processes that start at once take turns. */
export async function prepareViewTables(options: {
  pool: SqlPool
  indexer: Indexer
  log: Log
}): Promise<{ rebuilt: boolean }> {
  const { pool, indexer, log } = options
  return transaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK])
    const { wanted, existing, fit } = await compare(tx, indexer.collections)
    if (fit) return { rebuilt: false }
    await remake(tx, indexer.collections, wanted, existing)
    const records = await fill(tx, indexer)
    // Before the indexes: a row that is changed would have to be changed in each of them.
    await indexer.deriveAll(tx)
    for (const c of indexer.collections)
      for (const statement of indexesSql(c, indexer.collections)) await tx.query(statement)
    log.info({ tables: wanted.size, records }, 'made the views anew from the kept records')
    return { rebuilt: true }
  })
}

/** Whether the tables are as these declarations ask for, so that an indexer may write to them. */
export async function viewTablesFit(
  sql: Sql,
  collections: readonly Collection[],
): Promise<boolean> {
  return (await compare(sql, collections)).fit
}

async function compare(sql: Sql, collections: readonly Collection[]) {
  const wanted = new Map(collections.map((c) => [c.table, fingerprint(c, collections)]))
  const { rows: existing } = await sql.query<{ name: string; fingerprint: string }>(
    `select name, fingerprint from ${SCHEMA}."viewTable"`,
  )
  const unchanged = existing.every((t) => wanted.get(t.name) === t.fingerprint)
  return { wanted, existing, fit: unchanged && existing.length === wanted.size }
}

async function remake(
  tx: Sql,
  collections: readonly Collection[],
  wanted: ReadonlyMap<string, string>,
  existing: readonly { name: string }[],
): Promise<void> {
  for (const { name } of existing) await tx.query(`drop table ${tableName(name)}`)
  await tx.query(`delete from ${SCHEMA}."viewTable"`)
  for (const c of collections) {
    for (const statement of tableSql(c)) await tx.query(statement)
    await tx.query(`insert into ${SCHEMA}."viewTable" (name, fingerprint) values ($1, $2)`, [
      c.table,
      wanted.get(c.table),
    ])
  }
}

const PAGE = 2_000

/** Puts what is kept of every active account into the tables, page by page. */
async function fill(tx: Sql, indexer: Indexer): Promise<number> {
  let records = 0
  for await (const page of keptPages(tx, { size: PAGE })) {
    await indexer.loadKept(tx, page)
    records += page.length
  }
  return records
}

/** Changes with the declaration: its table, and the rules that fill it. */
function fingerprint(c: Collection, all: readonly Collection[]): string {
  const rules = ['row', 'accept'].map((name) => String(Reflect.get(c, name)))
  const tables = [...tableSql(c), ...indexesSql(c, all)]
  const parts = [tables, c.derived, c.shown, c.hidden, c.feed, c.access.places, rules, KERNEL]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Raised when the kernel itself fills tables differently from the same declarations, as it does with
 *  other time zones. */
const KERNEL = `3 ${zoneDataVersion(process.versions)}`
