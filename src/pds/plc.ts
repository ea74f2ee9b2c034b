import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo } from 'node:net'
import { Database, PlcServer } from '@did-plc/server'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { againstConflicts } from '../database/sql.ts'
import { type Log } from '../log.ts'

/** A running PLC directory. `close` also closes its database. */
export type Plc = { url: string; close(): Promise<void> }

type PlcDatabase = Parameters<typeof PlcServer.create>[0]['db']

const LOOPBACK = '127.0.0.1'
const SCHEMA = 'plc'
const CONNECTIONS = 4
const CONNECT_MS = 5_000

/**
 * Starts a development PLC directory (did:plc, method version 0.1) whose operations live in the
 * schema `plc` of the database: it knows every identity again after a restart. It answers 500
 * while Postgres is away and recovers by itself. Throws if the port is taken or migration fails.
 */
export async function startPlc(options: {
  databaseUrl: string
  port?: number
  host?: string
  log: Log
}): Promise<Plc> {
  const db = await openDatabase(options.databaseUrl, options.log)
  try {
    return await servePlc(db, options)
  } catch (error) {
    await db.close()
    throw error
  }
}

/** Serves the PLC directory over a database already opened (`Database.mock()` in tests). */
export async function servePlc(
  db: PlcDatabase,
  options: { port?: number; host?: string } = {},
): Promise<Plc> {
  const host = options.host ?? LOOPBACK
  // The package's own start() listens on every interface: an open directory is not for others.
  const server = http.createServer(PlcServer.create({ db }).app)
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
    await db.close()
  }
  // By name: the guarded fetch of the PDS refuses hosts that are bare addresses.
  const name = host === LOOPBACK ? 'localhost' : host
  return { url: `http://${name}:${port}`, close: () => (closing ??= close()) }
}

/**
 * The package's `Database.postgres` hides its pool, and a pool without an 'error' listener ends
 * the process when Postgres closes an idle connection. So the pool is ours, the rest the package's.
 */
async function openDatabase(databaseUrl: string, log: Log): Promise<PlcDatabase> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    options: `-c search_path=${SCHEMA}`,
  })
  // Only the message: the error of a connection carries its client, and that the password. Heard
  // at the client, since the pool listens to idle ones only; the pool's own event says it again.
  pool.on('error', () => {})
  pool.on('connect', (client) =>
    client.on('error', (error) => log.warn({ reason: error.message }, 'plc lost a connection')),
  )
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    await sql`create schema if not exists ${sql.id(SCHEMA)}`.execute(db)
    // The package carries a kysely of its own, whose nominal type differs from ours.
    const database = new Database(
      db as unknown as ConstructorParameters<typeof Database>[0],
      SCHEMA,
    )
    await database.migrateToLatestOrThrow()
    // Its transactions are serializable: of identities made at one moment Postgres ends some.
    const add = database.validateAndAddOp.bind(database)
    database.validateAndAddOp = (did, op) => againstConflicts(() => add(did, op))
    return database
  } catch (error) {
    await db.destroy()
    throw error
  }
}
