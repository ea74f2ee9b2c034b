import { createHash } from 'node:crypto'
import { type LexValue, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import { type ResponseType, XRPCError } from '@atproto/xrpc-server'
import type { Clock } from '../../clock.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import { type AuditEvent, appendAudits } from '../audit.ts'
import { checkRecord } from '../check-record.ts'
import { lexRecord } from '../lex-record.ts'
import type { Progress } from '../progress.ts'
import type { Sql } from '../sql.ts'
import { type Slot, createSlots } from './slots.ts'

/** A record of a tenant as a decision changes it, in one of its permissioned spaces. */
export type TenantWrite = {
  readonly place: string
  readonly collection: string
  readonly rkey: string
  /** What it becomes, without its type; undefined deletes it. */
  readonly record: Readonly<Record<string, unknown>> | undefined
}

/** What was decided: all of it happens, or nothing. */
export type Decision<T> = {
  /** What the caller is told; kept for as long as a key may be used again, so small and JSON. */
  readonly answer: T
  readonly writes: readonly TenantWrite[]
  readonly jobs?: readonly Job[]
  readonly by: Pick<AuditEvent, 'actor' | 'role' | 'action' | 'reason'>
}

/** A record as it stands, with the version of it. */
export type Standing = { readonly cid: string; readonly record: Record<string, unknown> }

/** What a decision reads and keeps by. */
export type Deciding = {
  /** The transaction that stores what is decided. */
  readonly tx: Sql
  readonly tenant: string
  readonly now: Date
  readonly nextTid: () => string
  /** A record of the tenant as this transaction sees it. */
  read(at: Pick<TenantWrite, 'place' | 'collection' | 'rkey'>): Promise<Standing | undefined>
}

/** A request that is carried out once, however often it is sent. */
export type Once = {
  /** Who sends it; empty for a guest. */
  readonly caller: string
  readonly method: string
  /** Undefined for a request that may be carried out again. */
  readonly key: string | undefined
  readonly input: unknown
}

/** Writes several records of one author within a transaction. */
export type TogetherStore = {
  writeTogether(
    tx: Sql,
    batch: {
      did: string
      places: readonly {
        space: string
        writes: readonly {
          action: 'put' | 'delete'
          collection: string
          rkey: string
          record?: ReturnType<typeof lexRecord>
        }[]
      }[]
    },
  ): Promise<readonly Written[]>
  settled(did: string, spaces: readonly string[]): void
}

type Written = {
  readonly space: string
  readonly rev: string
  readonly results: readonly { uri: string; cid: string | null; prev: string | null }[]
}

/** What changing a tenant's business needs. */
export type Transacting = {
  readonly outbox: Outbox
  readonly together: TogetherStore
  readonly progress: Progress
  readonly clock: Clock
  readonly nextTid: () => string
}

/** Decides and writes, one tenant at a time. */
export type Transact = <T>(
  at: { readonly tenant: string; readonly once?: Once },
  decide: (d: Deciding) => Promise<Decision<T>>,
) => Promise<T>

/**
 * Makes what changes tenants' business. `decide` runs inside one Postgres transaction, after those
 * of the same tenant before it: it sees what they have done, and its records, their audit events,
 * its jobs and what it keeps through `tx` are stored together or not at all. It may be run again,
 * so it has no other effects. Answers once the views have it. The same key with the same input is
 * answered as the first time; with another it throws `IdempotencyMismatch` (422). What `decide`
 * throws is the caller's answer and undoes what it has done.
 */
export function createTransact(t: Transacting): Transact {
  const slots = createSlots(t)
  return async (at, decide) => {
    const done = await slots.run(at.tenant, (slot) => carryOut(t, at, { slot, decide }))
    t.together.settled(
      at.tenant,
      done.written.map(({ space }) => space),
    )
    for (const { space, rev } of done.written) await t.progress.reached(at.tenant, rev, space)
    return done.answer
  }
}

/** What a request has come to, and how far the repos were then that it wrote into. */
type Done<T> = { answer: T; written: readonly Pick<Written, 'space' | 'rev'>[] }

async function carryOut<T>(
  t: Transacting,
  { tenant, once }: { readonly tenant: string; readonly once?: Once },
  how: { slot: Slot; decide: (d: Deciding) => Promise<Decision<T>> },
): Promise<Done<T>> {
  const { tx, queue } = how.slot
  const now = t.clock.now()
  const known = once && (await answered<T>(tx, tenant, once))
  // Whoever sends it again is told when the views have it, too.
  if (known) return known
  const read: Deciding['read'] = (at) => readRecord(tx, tenant, at)
  const decision = await how.decide({ tx, tenant, now, nextTid: t.nextTid, read })
  const written = await store(t, { tx, tenant, now }, decision)
  for (const job of decision.jobs ?? []) await queue(job)
  const done = {
    answer: decision.answer,
    written: written.map(({ space, rev }) => ({ space, rev })),
  }
  if (once?.key !== undefined)
    await tx.query(KEEP_ANSWER, [...keysOf(tenant, once), JSON.stringify(done), now])
  return done
}

async function store(
  t: Transacting,
  { tx, tenant, now }: { tx: Sql; tenant: string; now: Date },
  { writes, by }: Decision<unknown>,
): Promise<readonly Written[]> {
  const byPlace = Map.groupBy(writes, ({ place }) => place)
  if (byPlace.has('')) throw new Error('a public record lies outside this transaction')
  const places = [...byPlace].map(([space, some]) => ({
    space,
    writes: some.map(({ collection, rkey, record }) => {
      if (record === undefined) return { action: 'delete' as const, collection, rkey }
      const typed = { ...record, $type: collection }
      checkRecord({ did: tenant, collection, rkey, place: space }, typed)
      return { action: 'put' as const, collection, rkey, record: lexRecord(typed) }
    }),
  }))
  if (places.length === 0) return []
  const written = await t.together.writeTogether(tx, { did: tenant, places })
  const changed = written.flatMap(({ results }) => results.filter(({ cid, prev }) => cid !== prev))
  const events = changed.map(({ uri: subject, cid, prev }) => ({
    ...by,
    ...(prev !== null && { before: prev }),
    ...(cid !== null && { after: cid }),
    subject,
    at: now,
  }))
  await appendAudits(tx, tenant, events)
  return written
}

async function readRecord(
  tx: Sql,
  tenant: string,
  { place, collection, rkey }: Pick<TenantWrite, 'place' | 'collection' | 'rkey'>,
): Promise<Standing | undefined> {
  const { rows } = await tx.query<{ cid: string; bytes: Uint8Array }>(READ, [
    place,
    tenant,
    collection,
    rkey,
  ])
  if (!rows[0]) return undefined
  const { cid, bytes } = rows[0]
  return { cid, record: lexToJson(decode(bytes) as LexValue) as Record<string, unknown> }
}

const READ = {
  name: 'business-record',
  text: `select cid, bytes from repo.record
    where space = $1 and did = $2 and collection = $3 and rkey = $4`,
}

function keysOf(tenant: string, { caller, method, key, input }: Once): unknown[] {
  const hash = createHash('sha256')
    .update(JSON.stringify(sorted(input)))
    .digest()
  return [tenant, caller, method, key, hash]
}

async function answered<T>(tx: Sql, tenant: string, once: Once): Promise<Done<T> | undefined> {
  if (once.key === undefined) return undefined
  const values = keysOf(tenant, once)
  const { rows } = await tx.query<{ answer: Done<T>; same: boolean }>(ANSWERED, values)
  if (!rows[0]) return undefined
  if (rows[0].same) return rows[0].answer
  throw new XRPCError(
    422 as ResponseType,
    'This idempotency key was used for another request. Take a new key for a new request.',
    'IdempotencyMismatch',
  )
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
