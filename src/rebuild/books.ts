import type { Indexer } from '../appview/index-record.ts'
import { type Sql, type SqlPool, transaction } from '../appview/sql.ts'
import { prepareViewTables, viewTablesFit } from '../appview/view-tables.ts'
import { silentLog } from '../log.ts'
import { NEXT, inSchema, poolInSchema } from './in-schema.ts'

/** What a rebuild is at: taking repos in, or, with every figure computed, following the node. */
export type Phase = 'load' | 'follow'

/** What was taken in of an account. */
export type Rebuilt = {
  readonly did: string
  readonly rev: string | null
  readonly data: string | null
  /** kept and not shown */
  readonly hidden: boolean
  /** where its records are from; `views` when there was no repo to be had */
  readonly from: 'own' | 'car' | 'pds' | 'views' | 'nowhere'
  readonly pds: string | null
  readonly handle: string | null
  readonly detail: string | null
}

/** Goes on where an earlier rebuild was broken off, if that was one for the same declarations;
 *  otherwise the new schema is made empty. */
export async function openBooks(pool: SqlPool, indexer: Indexer): Promise<Phase> {
  const { rows } = await pool.query<{ found: boolean }>(
    `select to_regclass('${NEXT}.rebuild') is not null as found`,
  )
  if (rows[0]?.found) {
    const fits = await viewTablesFit(inSchema(pool, NEXT), indexer.collections)
    const book = await pool.query<{ phase: Phase }>(`select phase from ${NEXT}.rebuild`)
    if (fits && book.rows[0]) return book.rows[0].phase
  }
  await dropNext(pool)
  await pool.query(`create schema ${NEXT}`)
  for (const table of ['record', '"spaceRecord"', '"spaceRepo"', '"viewTable"', 'account'])
    await pool.query(`create table ${NEXT}.${table} (like appview.${table} including all)`)
  await prepareViewTables({ pool: poolInSchema(pool, NEXT), indexer, log: silentLog })
  const indexes = await putOffIndexes(pool)
  await pool.query(`create table ${NEXT}.rebuilt (did text primary key, rev text, data text,
    hidden boolean not null, "from" text not null, pds text, handle text, detail text)`)
  // The last table made tells that all are there.
  await pool.query(
    `create table ${NEXT}.rebuild as select 'load'::text as phase, $1::text[] as indexes`,
    [indexes],
  )
  return 'load'
}

/** Takes the half-done schema away. */
export async function dropNext(sql: Sql): Promise<void> {
  await sql.query(`drop schema if exists ${NEXT} cascade`)
}

/** Drops the indexes that filling tables does not need, and answers how to make them again. */
async function putOffIndexes(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ name: string; definition: string }>(
    `select quote_ident(c.relname) as name, pg_get_indexdef(i.indexrelid) as definition
     from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relnamespace = '${NEXT}'::regnamespace and not i.indisprimary`,
  )
  // Rows are looked up by their uri while they are loaded.
  const later = rows.filter(({ definition }) => !definition.endsWith('(uri)'))
  for (const { name } of later) await sql.query(`drop index ${NEXT}.${name}`)
  return later.map(({ definition }) => definition)
}

/** Computes all derived columns and makes the indexes that were put off; what was done before is
 *  quickly found to be done. */
export async function finishTables(pool: SqlPool, indexer: Indexer): Promise<void> {
  // First, because a row that is changed would have to be changed in every index.
  await transaction(pool, (tx) => indexer.deriveAll(inSchema(tx, NEXT)))
  const { rows } = await pool.query<{ indexes: string[] }>(`select indexes from ${NEXT}.rebuild`)
  for (const definition of rows[0]!.indexes)
    await pool.query(definition.replace(/^CREATE INDEX /, 'create index if not exists '))
  for (const table of ['record', '"spaceRecord"', '"spaceRepo"'])
    await pool.query(`analyze ${NEXT}.${table}`)
  await pool.query(`update ${NEXT}.rebuild set phase = 'follow'`)
}

/** Enters what was taken in of an account, in the transaction that took the last of it in. */
export async function noteRebuilt(tx: Sql, r: Rebuilt): Promise<void> {
  await tx.query(
    `insert into ${NEXT}.rebuilt as r (did, rev, data, hidden, "from", pds, handle, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (did) do update set rev = excluded.rev, hidden = excluded.hidden,
       data = case when r.rev = excluded.rev then coalesce(excluded.data, r.data)
         else excluded.data end`,
    [r.did, r.rev, r.data, r.hidden, r.from, r.pds, r.handle, r.detail],
  )
}
