import { createHash } from 'node:crypto'
import { type ResponseType, XRPCError } from '@atproto/xrpc-server'
import type { Clock } from '../../clock.ts'
import type { Sql } from '../sql.ts'

/** A request that is carried out once, however often it is sent. */
export type Once = {
  /** Who sends it; empty for a guest. */
  readonly caller: string
  readonly method: string
  /** Undefined for a request that may be carried out again. */
  readonly key: string | undefined
  readonly input: unknown
}

function keysOf(tenant: string, { caller, method, key, input }: Once): unknown[] {
  const hash = createHash('sha256')
    .update(JSON.stringify(sorted(input)))
    .digest()
  return [tenant, caller, method, key, hash]
}

/** What a request was answered, and the places of what it has written. */
type Answered<T> = { answer: T; places: string[] }

/** What a request was answered before; undefined for a new one. Throws `IdempotencyMismatch` (422)
 *  when its key was used for another. */
export async function answered<T>(
  tx: Sql,
  tenant: string,
  once: Once,
): Promise<Answered<T> | undefined> {
  if (once.key === undefined) return undefined
  const values = keysOf(tenant, once)
  const { rows } = await tx.query<{ answer: Answered<T>; same: boolean }>(ANSWERED, values)
  if (!rows[0]) return undefined
  if (rows[0].same) return rows[0].answer
  throw new XRPCError(
    422 as ResponseType,
    'This idempotency key was used for another request. Take a new key for a new request.',
    'IdempotencyMismatch',
  )
}

/** Keeps what a request is answered, with all that it has done. */
export async function keepAnswer(
  tx: Sql,
  tenant: string,
  once: Once,
  { answer, places, now }: { answer: unknown; places: readonly string[]; now: Date },
): Promise<void> {
  if (once.key === undefined) return
  await tx.query(KEEP_ANSWER, [...keysOf(tenant, once), JSON.stringify({ answer, places }), now])
}

/** Two inputs that say the same in another order are one. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([name]) => name !== 'idempotencyKey')
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]))
}

const ANSWERED = `select answer, input = $5 as same from repo.once
  where tenant = $1 and caller = $2 and method = $3 and key = $4`

const KEEP_ANSWER = `insert into repo.once (tenant, caller, method, key, input, answer, "createdAt")
  values ($1, $2, $3, $4, $5, $6, $7)`

const ONCE_FOR_MS = 24 * 3_600_000

/** Forgets answers that are older than a day, after which a key may be used anew. */
export async function forgetAnswers(t: { sql: Sql; clock: Clock }): Promise<void> {
  await t.sql.query('delete from repo.once where "createdAt" < $1', [
    new Date(t.clock.now().getTime() - ONCE_FOR_MS),
  ])
}
