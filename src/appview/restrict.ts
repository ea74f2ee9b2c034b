import { InvalidRequestError, XRPCError } from '@atproto/xrpc-server'
import { audienceUri } from '../permissioned/audience.ts'
import { checkRecord } from './check-record.ts'
import { restriction } from './collections/spaces/restriction.ts'
import { membership } from './collections/spaces/membership.ts'
import type { Row } from './define.ts'
import { restrictionUri } from './membership.ts'
import type { RepoWriter } from './own-record.ts'
import type { Progress } from './progress.ts'
import type { Sql } from './sql.ts'

/** What deciding who is kept out needs. */
export type Restricting = {
  readonly sql: Sql
  readonly writer: RepoWriter
  readonly progress: Progress
}

/** Whom a space keeps out, and what they were. */
export type Kept = {
  /** The version of the record. */
  readonly cid: string
  readonly status: string
  readonly membership: Readonly<Record<string, unknown>> | undefined
  readonly content: Readonly<Record<string, unknown>>
}

/** What a space has decided against somebody, if anything. */
export async function restrictionOf(
  sql: Sql,
  space: string,
  did: string,
): Promise<Kept | undefined> {
  const { rows } = await sql.query<Row>(
    'select * from appview.restriction where did = $1 and uri = $2',
    [space, restrictionUri(space, did)],
  )
  const [row] = rows
  if (!row) return undefined
  const content = row['content'] as Record<string, unknown>
  const was = content['membership'] as Kept['membership']
  return { cid: row.cid, status: String(row['status']), membership: was, content }
}

/** Writes down, for the staff, that somebody is not in, in place of what was decided `before`.
 *  Throws `InvalidTransition` when something else was decided meanwhile. */
export async function putRestriction(
  { writer, progress }: Restricting,
  { space, did, before }: { space: string; did: string; before: Kept | undefined },
  content: Readonly<Record<string, unknown>>,
): Promise<void> {
  const at = atOf(space, did)
  const record = { $type: restriction.nsid, subject: did, ...content }
  checkRecord(at, record)
  const swapRecord = before?.cid ?? null
  const written = await writer.putRecord({ ...at, record, swapRecord }).catch((error: unknown) => {
    const lost = error instanceof XRPCError && error.customErrorName === 'InvalidSwap'
    throw lost ? changedMeanwhile() : error
  })
  await progress.reached(space, written.rev, at.place)
}

/** What of two who decide about one person at one time the second is told. */
export function changedMeanwhile(): InvalidRequestError {
  return new InvalidRequestError('It has changed meanwhile. Read it again.', 'InvalidTransition')
}

/** Takes it back. */
export async function dropRestriction(
  { writer, progress }: Restricting,
  { space, did }: { space: string; did: string },
): Promise<void> {
  const at = atOf(space, did)
  const { rev } = await writer.deleteRecord(at)
  await progress.reached(space, rev, at.place)
}

function atOf(space: string, rkey: string) {
  return { did: space, collection: restriction.nsid, rkey, place: audienceUri(space, 'staff') }
}

/** Withdraws a membership, where there is one. Who joins looks for a restriction once they are in,
 *  and who restricts looks for a membership once that is written: one of the two sees the other. */
export async function withdraw(
  { sql, writer, progress }: Restricting,
  { space, did }: { space: string; did: string },
): Promise<void> {
  const { rows } = await sql.query<{ place: string }>(
    'select place from appview.membership where did = $1 and subject = $2',
    [space, did],
  )
  for (const { place } of rows) {
    const at = { did: space, collection: membership.nsid, rkey: did, place }
    const { rev } = await writer.deleteRecord(at)
    await progress.reached(space, rev, place)
  }
}

/** Withdraws every membership that a stop has left beside a restriction; to be called at start.
 *  Answers how many there were. */
export async function finishRestricting(r: Restricting): Promise<number> {
  const { rows } = await r.sql.query<{ space: string; did: string }>(
    `select m.did as space, m.subject as did from appview.membership m
     join appview.restriction r on r.did = m.did and r.subject = m.subject
     where r.status <> 'declined' and r.place = $1 || m.did || $2
       and exists (select 1 from repo.space h where h.authority = m.did)`,
    audienceUri('|', 'staff').split('|'),
  )
  for (const one of rows) await withdraw(r, one)
  return rows.length
}
