import type { Collection } from './define.ts'
import { valueSql } from './derived-sql.ts'
import { quote, tableName } from './schema.ts'

/** The statements of one collection's table, put together once; each takes many rows. */
export type TableStatements = {
  /** Locks the rows with the uris $1. */
  readonly find: string
  /** Deletes the rows with the uris $1. */
  readonly remove: string
  /** Deletes the rows of the author $1. */
  readonly removeRepo: string
  /** Writes the rows of $1, a JSON list, each over the one with the same key. Derived columns of a
   *  row are computed when it is new and stay as they are when it is not. */
  readonly upsert: string
  /** The same without derived columns and without an answer. */
  readonly load: string
  /** Deletes what stands in the way of loading: rows with the uris $1 of other owners than $2. */
  readonly clear: string
}

const STAMP = { uri: 'text', place: 'text', cid: 'text', did: 'text', rkey: 'text', rev: 'text' }

/** Puts a collection's statements together; found and written rows are answered in `brief`. */
export function tableStatements(c: Collection, brief: readonly string[]): TableStatements {
  const table = tableName(c.table)
  const types = { ...STAMP, indexedAt: 'timestamptz', ...columnTypes(c) }
  const columns = Object.keys(types).map(quote)
  const names = columns.join(', ')
  const rows = `json_to_recordset($1::json) as p(${Object.entries(types)
    .map(([name, sql]) => `${quote(name)} ${sql}`)
    .join(', ')})`
  const read = columns.map((name) => `p.${name}`).join(', ')
  const key = [...new Set([c.owner, 'uri'])].map(quote).join(', ')
  const over = `on conflict (${key}) do update set
    ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`
  const figures = Object.entries(c.derived)
  const figureNames = figures.map(([name]) => `, ${quote(name)}`).join('')
  const figureValues = figures.map(([, d]) => `, ${valueSql(d)}`).join('')
  const answer = brief.map(quote).join(', ')
  const owner = quote(c.owner)
  return {
    find: `select ${answer} from ${table} where "uri" = any($1::text[]) order by "uri" for update`,
    remove: `delete from ${table} where "uri" = any($1::text[])`,
    removeRepo: `delete from ${table} where "did" = $1 returning ${answer}`,
    upsert: `insert into ${table} as t (${names}${figureNames})
      select ${read}${figureValues} from ${rows} ${over}
      returning ${brief.map((name) => `t.${quote(name)}`).join(', ')}`,
    load: `insert into ${table} (${names}) select ${read} from ${rows} ${over}`,
    clear: `delete from ${table} t using unnest($1::text[], $2::text[]) v("uri", "owner")
      where t."uri" = v."uri" and t.${owner} is distinct from v."owner"`,
  }
}

function columnTypes(c: Collection): Record<string, string> {
  return Object.fromEntries(Object.entries(c.columns).map(([name, { sql }]) => [name, sql]))
}
