import { createHash } from 'node:crypto'
import { encode } from '@atproto/lex-cbor'
import type { Sql } from './sql.ts'

/** What was done in the name of an account, by whom, and why; of records only which versions, never
 *  what they say (`domain.md` §11.6). */
export type AuditEvent = {
  /** The account in whose name it was done: a tenant, a space or the node. */
  readonly chain: string
  readonly actor: string
  /** The role that let them. */
  readonly role?: string
  /** The method or the kind of step. */
  readonly action: string
  /** The record or the account concerned. */
  readonly subject: string
  /** The version of the record before and after; absent where there is none. */
  readonly before?: string
  readonly after?: string
  readonly reason?: string
  readonly at: Date
}

/** An event as it stands in its chain, counted from 1. */
export type ChainedEvent = AuditEvent & { readonly seq: number; readonly hash: Buffer }

const FIRST = Buffer.alloc(32)
const PAGE = 1_000

/** Appends an event to its chain, in the caller's transaction. Each event's hash covers the one
 *  before: none can be changed, taken out or put in without it showing. */
export function appendAudit(tx: Sql, event: AuditEvent): Promise<void> {
  return appendAudits(tx, event.chain, [event])
}

/** Appends several events to one chain, in their order. */
export async function appendAudits(
  tx: Sql,
  chain: string,
  events: readonly Omit<AuditEvent, 'chain'>[],
): Promise<void> {
  if (events.length === 0) return
  const head = await headOf(tx, chain)
  let { seq, hash } = head
  const rows = events.map((event) => {
    const prev = hash
    seq += 1
    hash = hashOf({ ...event, chain, seq }, prev)
    return { ...event, seq, prev: prev.toString('hex'), hash: hash.toString('hex') }
  })
  await tx.query(APPEND, [chain, JSON.stringify(rows), seq, hash])
}

/** The head of a chain, locked until the transaction ends. */
async function headOf(tx: Sql, chain: string): Promise<{ seq: number; hash: Buffer }> {
  for (;;) {
    const { rows } = await tx.query<{ seq: string; hash: Buffer }>(HEAD, [chain])
    if (rows[0]) return { seq: Number(rows[0].seq), hash: rows[0].hash }
    await tx.query(
      'insert into node."auditHead" (chain, seq, hash) values ($1, 0, $2) on conflict do nothing',
      [chain, FIRST],
    )
  }
}

const HEAD = 'select seq, hash from node."auditHead" where chain = $1 for update'

const APPEND = `with added as (insert into node."auditEvent"
    (chain, seq, at, actor, role, action, subject, before, after, reason, prev, hash)
  select $1, seq, at, actor, role, action, subject, before, after, reason, decode(prev, 'hex'),
    decode(hash, 'hex')
  from json_to_recordset($2::json) as e(seq bigint, at timestamptz, actor text, role text,
    action text, subject text, before text, after text, reason text, prev text, hash text))
  update node."auditHead" set seq = $3, hash = $4 where chain = $1`

/** Events of a chain, newest first, before `before` when given. */
export async function readAudit(
  sql: Sql,
  page: { chain: string; limit: number; before: number | undefined },
): Promise<ChainedEvent[]> {
  const { rows } = await sql.query<AuditRow>(
    `select * from node."auditEvent"
     where chain = $1 and ($3::bigint is null or seq < $3) order by seq desc limit $2`,
    [page.chain, page.limit, page.before ?? null],
  )
  return rows.map(eventOf)
}

/** How far a chain holds: the number of its events, and the first that is not as it was written. */
export async function verifyAudit(
  sql: Sql,
  chain: string,
): Promise<{ events: number; brokenAt?: number }> {
  let seq = 0
  let prev: Buffer = FIRST
  for (;;) {
    const { rows } = await sql.query<AuditRow>(
      `select * from node."auditEvent" where chain = $1 and seq > $2 order by seq limit ${PAGE}`,
      [chain, seq],
    )
    for (const row of rows) {
      const event = eventOf(row)
      if (event.seq !== seq + 1) return { events: seq, brokenAt: seq + 1 }
      if (!hashOf(event, prev).equals(row.hash)) return { events: seq, brokenAt: event.seq }
      ;[seq, prev] = [event.seq, row.hash]
    }
    if (rows.length < PAGE) break
  }
  const { rows } = await sql.query<{ seq: string; hash: Buffer }>(
    'select seq, hash from node."auditHead" where chain = $1',
    [chain],
  )
  const head = rows[0]
  const ends = head ? Number(head.seq) === seq && head.hash.equals(prev) : seq === 0
  return ends ? { events: seq } : { events: seq, brokenAt: seq + 1 }
}

type AuditRow = Record<string, unknown> & { seq: string; hash: Buffer }

function eventOf(row: AuditRow): ChainedEvent {
  const told = Object.entries(row).filter(([, value]) => value !== null)
  return { ...(Object.fromEntries(told) as unknown as ChainedEvent), seq: Number(row.seq) }
}

function hashOf(event: AuditEvent & { seq: number }, prev: Buffer): Buffer {
  const { chain, seq, actor, role, action, subject, before, after, reason, at } = event
  const told = { chain, seq, actor, role, action, subject, before, after, reason }
  const present = Object.entries(told).filter(([, value]) => value !== undefined)
  const said = encode({ ...Object.fromEntries(present), at: at.toISOString(), prev })
  return createHash('sha256').update(said).digest()
}
