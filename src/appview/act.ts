import { cidForLex } from '@atproto/lex-cbor'
import { XRPCError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import type { Job, Outbox } from '../jobs/jobs.ts'
import type { Log } from '../log.ts'
import { type AuditEvent, appendAudit } from './audit.ts'
import { checkRecord } from './check-record.ts'
import { lexRecord } from './lex-record.ts'
import type { RepoWriter } from './own-record.ts'
import type { Progress } from './progress.ts'
import { recordUri, uriIn } from './reference.ts'
import type { Sql } from './sql.ts'

/** Which record of which repo; `place` is empty for a public one. */
export type RecordAt = { did: string; collection: string; rkey: string; place: string }

/** The versions of records as the repos of this node hold them now. */
export type Versions = { cidOf(at: RecordAt): Promise<string | undefined> }

/** A record written in the name of an account that people act for. */
export type Act = {
  readonly at: RecordAt
  /** What it becomes; undefined deletes it. */
  readonly record: Record<string, unknown> | undefined
  /** The version it must still have, null for none yet; whatever it has when left out. */
  readonly swap?: string | null
  readonly by: Pick<AuditEvent, 'actor' | 'role' | 'action' | 'reason'>
  /** In whose name it is done, where it is not in the name of the account that has the record. */
  readonly chain?: string
  /** What else is to happen once it is written, with keys that tell this act from every other. */
  readonly effects?: readonly Job[]
}

/** What acting needs. */
export type Acting = {
  readonly sql: Sql
  readonly outbox: Outbox
  readonly writer: RepoWriter
  readonly versions: Versions
  readonly progress: Progress
  readonly clock: Clock
  readonly nextTid: () => string
}

/** What is noted of a change before it is written. */
export type Kept = Pick<Act, 'at' | 'by' | 'chain' | 'effects'> & {
  before?: string
  after?: string
}

/**
 * Writes a record, and with it the audit event and the jobs that follow from it: all or none, also
 * when the process ends in between. What is meant is kept first, and settled afterwards or at the
 * next start. Repeating what is already so does nothing. Answers once the views have it. Throws
 * what `checkRecord` and the writer throw.
 */
export async function act(a: Acting, wish: Act): Promise<{ uri: string; cid: string | undefined }> {
  const { at, record, swap, chain } = wish
  if (record !== undefined) checkRecord(at, record)
  const before = await a.versions.cidOf(at)
  const after = record && (await cidOf(record))
  const uri = uriIn(at.place, recordUri(at.did, at.collection, at.rkey))
  const swapRecord = swap === undefined ? (before ?? null) : swap
  if (before === after && (swapRecord ?? undefined) === before) return { uri, cid: before }
  const more = { ...(chain && { chain }), effects: wish.effects ?? [] }
  const kept: Kept = { at, by: wish.by, ...more, ...versionsOf({ before, after }) }
  const written = await noting(a, [kept], () => write(a, wish, swapRecord))
  await a.progress.reached(at.did, written.rev, at.place)
  return { uri, cid: after }
}

/** Writes records whose changes are noted first, and settled afterwards or at the next start. */
export async function noting<T>(
  a: Pick<Acting, 'sql' | 'outbox' | 'clock' | 'nextTid'>,
  changes: readonly Kept[],
  write: () => Promise<T>,
): Promise<T> {
  const noted = changes.map((kept) => ({ id: a.nextTid(), kept }))
  for (const { id, kept } of noted)
    await a.sql.query('insert into node."pendingAct" (id, act, "createdAt") values ($1, $2, $3)', [
      id,
      JSON.stringify(kept),
      a.clock.now(),
    ])
  const written = await write().catch(async (error: unknown) => {
    // A refusal says that nothing was written; after any other failure only the repo knows.
    if (error instanceof XRPCError) for (const { id } of noted) await drop(a.sql, id)
    throw error
  })
  for (const { id, kept } of noted) await settle(a, id, kept)
  return written
}

/** The version of a record as a repo has it. */
export async function cidOf(record: Record<string, unknown>): Promise<string> {
  return String(await cidForLex(lexRecord(record)))
}

/** Versions as they are kept: there, or not at all. */
export function versionsOf({
  before,
  after,
}: {
  before?: string | undefined
  after?: string | undefined
}) {
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
}

/** Settles what a stop has interrupted: what was written gets its audit event and its jobs, what
 *  was not is forgotten. Answers how many there were. */
export async function resumeActs(a: Acting & { readonly log: Log }): Promise<number> {
  const { rows } = await a.sql.query<{ id: string; act: Kept }>(
    'select id, act from node."pendingAct" order by id',
  )
  for (const { id, act: kept } of rows) {
    const now = await a.versions.cidOf(kept.at)
    if (now === kept.after) await settle(a, id, kept)
    else await drop(a.sql, id)
    a.log.info({ ...kept.at, written: now === kept.after }, 'settled what a stop interrupted')
  }
  return rows.length
}

function write(a: Acting, { at, record }: Act, swapRecord: string | null) {
  if (record !== undefined) return a.writer.putRecord({ ...at, record, swapRecord })
  return a.writer.deleteRecord({ ...at, ...(swapRecord !== null && { swapRecord }) })
}

async function settle(a: Pick<Acting, 'outbox' | 'clock'>, id: string, kept: Kept): Promise<void> {
  const { at, by, before, after, chain = at.did, effects = [] } = kept
  await a.outbox.transact(async (tx, queue) => {
    const { rowCount } = await tx.query('delete from node."pendingAct" where id = $1', [id])
    if (rowCount !== 1) return
    const subject = uriIn(at.place, recordUri(at.did, at.collection, at.rkey))
    const versions = { ...(before && { before }), ...(after && { after }) }
    await appendAudit(tx, { ...by, ...versions, chain, subject, at: a.clock.now() })
    for (const job of effects) await queue(job)
  })
}

async function drop(sql: Sql, id: string): Promise<void> {
  await sql.query('delete from node."pendingAct" where id = $1', [id])
}
