import { SCHEMA } from '../appview/schema.ts'
import type { Sql, SqlPool } from '../appview/sql.ts'

/** The schema a rebuild fills. */
export const NEXT = `${SCHEMA}_next`

/** Where the tables that were replaced are kept, when they are. */
export const OLD = `${SCHEMA}_old`

const NAMED = new RegExp(`\\b${SCHEMA}\\.`, 'g')

/** The same connection, on which every statement of the AppView works on the tables of another
 *  schema. Statements name their schema and hold no values, so their text tells all. */
export function inSchema(sql: Sql, schema: string): Sql {
  const there = (text: string) => text.replaceAll(NAMED, `${schema}.`)
  return {
    query: (query, values) =>
      typeof query === 'string'
        ? sql.query(there(query), values)
        : sql.query({ name: `${query.name} ${schema}`, text: there(query.text) }, values),
  }
}

/** The same for a pool and the connections it lends. */
export function poolInSchema(pool: SqlPool, schema: string): SqlPool {
  return {
    ...inSchema(pool, schema),
    connect: async () => {
      const client = await pool.connect()
      return { ...inSchema(client, schema), release: (error) => client.release(error) }
    },
  }
}
