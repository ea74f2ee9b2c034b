import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Log } from '../log.ts'
import { startEmbedded } from './embedded.ts'
import { hasEmbedded } from './embedded-files.ts'
import { openPool } from './pool.ts'

export type Health = { ok: boolean; version?: string; latencyMs?: number }

export type Database = {
  url: string
  kind: 'embedded' | 'external'
  pool: pg.Pool
  /** Asks the server for its version; never throws and answers within two seconds. */
  health(): Promise<Health>
  [Symbol.asyncDispose](): Promise<void>
}

const POOL_MAX = 20
const HEALTH_MS = 2000
const DRAIN_MS = 2000

/**
 * The node's database: the one behind `url`, or else the embedded one of `dataDir`. Throws when it
 * cannot be opened. Disposing ends the pool, then leaves the embedded server.
 */
export async function openDatabase(options: {
  dataDir: string
  url?: string
  log: Log
  max?: number
  statementTimeoutMs?: number
}): Promise<Database> {
  const { dataDir, log, max = POOL_MAX, statementTimeoutMs } = options
  if (options.url && hasEmbedded(dataDir)) {
    const external = withoutPassword(options.url)
    log.warn({ dataDir, external }, 'the embedded database is left unused: DATABASE_URL is set')
  }
  const embedded = options.url ? undefined : await startEmbedded({ dataDir, log })
  const url = options.url ?? embedded?.url ?? ''
  const pool = openPool({ url, max, log, ...(statementTimeoutMs && { statementTimeoutMs }) })
  const close = async () => {
    await endPool(pool, log)
    await embedded?.stop()
  }
  try {
    await pool.query('select 1')
  } catch (error) {
    await close()
    throw new Error(`The database ${withoutPassword(url)} cannot be used.`, { cause: error })
  }
  let closed: Promise<void> | undefined
  return {
    url,
    kind: embedded ? 'embedded' : 'external',
    pool,
    health: () => health(pool),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

async function health(pool: pg.Pool): Promise<Health> {
  const began = performance.now()
  const asked = pool
    .query<{ version: string }>("select current_setting('server_version') as version")
    .then(({ rows }) => rows[0]?.version)
    .catch(() => undefined)
  const version = await Promise.race([asked, sleep(HEALTH_MS, undefined, { ref: false })])
  if (version === undefined) return { ok: false }
  return { ok: true, version, latencyMs: Math.round(performance.now() - began) }
}

/** Ends a pool, whoever ended it before; a connection nobody returns must not hold us up. */
async function endPool(pool: pg.Pool, log: Log): Promise<void> {
  if (pool.ended || pool.ending) return
  const ended = pool.end().then(() => true)
  const drained = await Promise.race([ended, sleep(DRAIN_MS, false, { ref: false })])
  if (!drained) log.warn({ lent: pool.totalCount }, 'database connections were not returned')
}

/** Enough of a database URL to recognise it in a log. */
function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)'
  const { host, pathname, username } = new URL(url)
  return `${username}@${host}${pathname}`
}
