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

type Kept = Pick<Act, 'at' | 'by' | 'chain' | 'effects'> & { before?: string; after?: string }

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
  const after = record && String(await cidForLex(lexRecord(record)))
  const uri = uriIn(at.place, recordUri(at.did, at.collection, at.rkey))
  const swapRecord = swap === undefined ? (before ?? null) : swap
  if (before === after && (swapRecord ?? undefined) === before) return { uri, cid: before }
  const id = a.nextTid()
  const kept: Kept = { at, by: wish.by, ...(chain && { chain }), effects: wish.effects ?? [] }
  await a.sql.query('insert into node."pendingAct" (id, act, "createdAt") values ($1, $2, $3)', [
    id,
    JSON.stringify({ ...kept, before, after }),
    a.clock.now(),
  ])
  const written = await write(a, wish, swapRecord).catch(async (error: unknown) => {
    // A refusal says that nothing was written; after any other failure only the repo knows.
    if (error instanceof XRPCError) await drop(a.sql, id)
    throw error
  })
  await settle(a, id, { ...kept, ...(before && { before }), ...(after && { after }) })
  await a.progress.reached(at.did, written.rev, at.place)
  return { uri, cid: after }
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

async function settle(a: Acting, id: string, kept: Kept): Promise<void> {
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
