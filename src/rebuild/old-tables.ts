import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { migrations } from '../appview/migrations/index.ts'
import { migrate } from '../database/migrate.ts'
import { openKysely } from '../database/pool.ts'
import { migrations as ofSpaces } from '../permissioned/migrations/index.ts'

/** Brings the tables under the views forward, where the node is not running; a schema that is gone
 *  is made again, empty, although the books of the migrations say that it was made. */
export async function bringForward(pool: pg.Pool): Promise<void> {
  await migrate({ db: openKysely(pool), schema: 'node', migrations })
  await migrate({ db: openKysely(pool), schema: 'repo', migrations: ofSpaces })
  const { rows } = await pool.query<{ found: boolean }>(
    `select to_regclass('appview.record') is not null as found`,
  )
  if (rows[0]?.found) return
  await pool.query('drop schema if exists appview cascade')
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: sparing(pool) }) })
  const steps = Object.keys(migrations).toSorted()
  for (const name of steps) await migrations[name]!.up(db)
}

type PoolLike = ConstructorParameters<typeof PostgresDialect>[0]['pool']

/** A pool that leaves tables of other schemas alone: what they hold was not lost. */
function sparing(pool: pg.Pool): PoolLike {
  return {
    options: pool.options,
    end: async () => undefined,
    connect: async () => {
      const client = await pool.connect()
      const query = (text: string, values: readonly unknown[]) =>
        text.includes('appview')
          ? client.query(text, [...values])
          : Promise.resolve({ command: 'SELECT' as const, rowCount: 0, rows: [] })
      return { query, release: () => client.release() } as never
    },
  } as PoolLike
}
