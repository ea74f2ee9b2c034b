import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Log } from '../log.ts'

/** Two transactions were in each other's way, and this one was ended for it. */
const CONFLICT_STATES = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
])

/** Codes of the server that say "not now" (Postgres manual, appendix A), without class 08. */
const RETRYABLE_STATES = new Set([
  ...CONFLICT_STATES,
  '53300', // too many connections
  '57P01', // shut down by the operator
  '57P02', // shut down because another process of the server crashed
  '57P03', // starting or stopping
])

const RETRYABLE_SYSTEM = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** How the driver words a lost or unavailable connection; these errors carry no code. */
const RETRYABLE_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connec)/

/** Data out of range, integrity constraints, program limits. */
const DATA_CLASSES = ['22', '23', '54']

/** Errors of errors looked into: what wraps what is up to libraries. */
const CAUSES_MAX = 5

/**
 * A pool of at most `max` connections that outlives restarts of the server: a lost connection is
 * logged, never thrown at the process. int8 and numeric arrive as strings, because a number
 * would silently round them; callers who know the range convert.
 */
export function openPool(options: {
  url: string
  max: number
  log: Log
  statementTimeoutMs?: number
  /** For lookups by key only: each statement is planned once. */
  pointReads?: boolean
}): pg.Pool {
  const { url, max, log, statementTimeoutMs, pointReads } = options
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    // Lookups share a few connections, which are kept: a timer for each query is not worth it.
    idleTimeoutMillis: pointReads ? 0 : 30_000,
    keepAlive: true,
    application_name: 'angelos',
    ...(pointReads && { options: POINT_READS }),
    ...(statementTimeoutMs && { statement_timeout: statementTimeoutMs }),
  })
  const note = (error: Error) => {
    // What is being closed is not lost, whoever of the two is first.
    if (pool.ending) return
    // The driver hangs the whole connection on it, statements included.
    Object.defineProperty(error, 'client', { enumerable: false, writable: true })
    log.warn({ err: error }, 'a database connection was lost')
  }
  pool.on('error', note)
  // The pool does not listen while a connection is lent out.
  pool.on('connect', (client) => client.on('error', note))
  return pool
}

/** A row looked up by its key has one good plan, whatever the key; planning it anew takes longer
 *  than running it. */
const POINT_READS = '-c plan_cache_mode=force_generic_plan -c jit=off'

/** Typed queries on a pool. Its `destroy()` ends the pool. */
export function openKysely<T>(pool: pg.Pool): Kysely<T> {
  return new Kysely<T>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * Whether the same transaction may succeed when it is tried again. A connection lost during
 * commit leaves open whether it was stored, so only what is idempotent is repeated.
 */
export function isRetryable(error: unknown): boolean {
  return someCause(error, (each) => {
    const code = codeOf(each)
    if (code === undefined) return RETRYABLE_TEXT.test(each.message)
    return RETRYABLE_STATES.has(code) || RETRYABLE_SYSTEM.has(code) || /^08[0-9A-Z]{3}$/.test(code)
  })
}

/** Whether the transaction was ended for the sake of another one, and nothing of it was stored. */
export function isConflict(error: unknown): boolean {
  return someCause(error, (each) => CONFLICT_STATES.has(codeOf(each) ?? ''))
}

/** Whether the values were at fault, so that trying again is useless: classes 22, 23 and 54. */
export function isDataError(error: unknown): boolean {
  return someCause(error, (each) => {
    const code = codeOf(each)
    return code?.length === 5 && DATA_CLASSES.includes(code.slice(0, 2))
  })
}

/** Whether a value was none that Postgres can hold, such as text with U+0000: class 22. */
export function isValueError(error: unknown): boolean {
  return someCause(error, (each) => /^22...$/.test(codeOf(each) ?? ''))
}

function someCause(error: unknown, matches: (error: Error) => boolean): boolean {
  let each = error
  for (let depth = 0; depth < CAUSES_MAX && each instanceof Error; depth++) {
    if (matches(each)) return true
    each = each.cause
  }
  return false
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
