import { PGlite } from '@electric-sql/pglite'
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { openKysely } from '../../src/database/pool.ts'

export type TestDatabase<T> = { pool: pg.Pool; db: Kysely<T>; close(): Promise<void> }

/**
 * A Postgres in memory for unit tests, with btree_gist and pg_trgm ready to be created. It has one
 * connection: a query beside an open transaction waits for ever, COPY FROM STDIN kills it, and
 * statement_timeout does nothing.
 */
export async function pgliteDatabase<T>(): Promise<TestDatabase<T>> {
  const engine = await PGlite.create({ extensions: { btree_gist, pg_trgm } })
  const config: object = Object.assign(createPgConfig(engine), { max: 1, idleTimeoutMillis: 0 })
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  const close = async () => {
    if (!pool.ended) await pool.end()
    await engine.close()
  }
  return { pool, db: openKysely<T>(pool), close }
}
