import { type LexValue, lexToJson } from '@atproto/lex'
import type { Collection, Row } from './define.ts'
import { quote, tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** The statements of one collection, put together once. */
export type RowStatements = {
  readonly find: string
  readonly upsert: string
  readonly remove: string
  readonly columns: readonly string[]
}

/** Puts a collection's statements together. */
export function rowStatements(c: Collection): RowStatements {
  const table = tableName(c.table)
  const columns = ['uri', 'cid', 'did', 'rkey', 'rev', 'indexedAt', ...Object.keys(c.columns)]
  const names = columns.map(quote).join(', ')
  const values = columns.map((_, n) => `$${n + 1}`).join(', ')
  const key = [...new Set([c.owner, 'uri'])].map(quote).join(', ')
  const sets = columns.map((name) => `${quote(name)} = excluded.${quote(name)}`).join(', ')
  return {
    columns,
    find: `select * from ${table} where "uri" = $1 for update`,
    upsert: `insert into ${table} (${names}) values (${values})
      on conflict (${key}) do update set ${sets} returning *`,
    remove: `delete from ${table} where "uri" = $1`,
  }
}

/** Writes a row over the one with the same key, leaving its derived columns as they are. */
export async function upsertRow(
  tx: Sql,
  c: Collection,
  { upsert, columns }: RowStatements,
  row: Readonly<Record<string, unknown>>,
): Promise<Row> {
  const values = columns.map((name) => storable(c.columns[name]?.sql, row[name]))
  const { rows } = await tx.query<Row>(upsert, values)
  return rows[0]!
}

/** Absent values are null, and what a jsonb column keeps is the record's JSON form. */
function storable(sql: string | undefined, value: unknown): unknown {
  if (value === undefined || value === null) return null
  return sql === 'jsonb' ? JSON.stringify(lexToJson(value as LexValue)) : value
}
