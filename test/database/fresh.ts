import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { collections } from '../../src/appview/collections/index.ts'
import { Indexer } from '../../src/appview/index-record.ts'
import { migrations as nodeMigrations } from '../../src/appview/migrations/index.ts'
import { prepareViewTables } from '../../src/appview/view-tables.ts'
import { migrate } from '../../src/database/migrate.ts'
import { openKysely, openPool } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { silentLog } from '../../src/log.ts'
import { migrations as spaceMigrations } from '../../src/permissioned/migrations/index.ts'
import { nativeDatabase } from './native.ts'
import type { TestDatabase } from './pglite.ts'
import { runServer } from './run-server.ts'

export type FreshDatabase<T> = TestDatabase<T> & { readonly url: string }

/** The database whose copies have every table already. */
const MODEL = 'with_tables'
/** An arbitrary number by which test files take turns at making it. */
const TURN = 7_305_822_942

/**
 * A database of its own for one test file, with every table of a node, on the server that all
 * files of a run share. Who kills the server, ends sessions or changes its settings or roles takes
 * `nativeDatabase`. `close()` drops it.
 */
export async function freshDatabase<T>(): Promise<FreshDatabase<T>> {
  const server = await runServer()
  if (!server) return ownServer()
  const name = `test_${randomBytes(8).toString('hex')}`
  await asked(server.url, async (client) => {
    await makeModel(client, server.url)
    await client.query(`create database ${name} template ${MODEL}`)
  })
  const url = named(server.url, name)
  const pool = openPool({ url, max: 10, log: silentLog })
  const close = async () => {
    if (!pool.ended) await pool.end()
    await asked(server.url, (client) => client.query(`drop database ${name} with (force)`))
    await server.stop()
  }
  return { url, pool, db: openKysely<T>(pool), close }
}

/** Outside a run, as in a full series. */
async function ownServer<T>(): Promise<FreshDatabase<T>> {
  const own = await nativeDatabase<T>()
  await makeTables(own)
  return own
}

async function makeModel(client: pg.Client, url: string): Promise<void> {
  const draft = `${MODEL}_draft`
  await client.query('select pg_advisory_lock($1)', [TURN])
  const { rows } = await client.query('select from pg_database where datname = $1', [MODEL])
  if (rows.length === 0) {
    await client.query(`drop database if exists ${draft}`)
    await client.query(`create database ${draft}`)
    const pool = openPool({ url: named(url, draft), max: 2, log: silentLog })
    await makeTables({ pool, db: openKysely(pool) }).finally(() => pool.end())
    await client.query(`alter database ${draft} rename to ${MODEL}`)
  }
  await client.query('select pg_advisory_unlock($1)', [TURN])
}

async function makeTables<T>({ pool, db }: Pick<TestDatabase<T>, 'pool' | 'db'>): Promise<void> {
  await migrate({ db, schema: 'repo', migrations: spaceMigrations })
  await migrate({ db, schema: 'node', migrations: nodeMigrations })
  const indexer = new Indexer(collections)
  await prepareViewTables({ pool: pool as unknown as SqlPool, indexer, log: silentLog })
}

async function asked(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function named(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = database
  return other.href
}
