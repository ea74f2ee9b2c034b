import { InvalidRequestError } from '@atproto/xrpc-server'
import { type ChainedEvent, readAudit } from './audit.ts'
import type { Sql } from './sql.ts'

/** A page of a chain as methods answer it, newest first. Throws `InvalidCursor`. */
export async function auditPage(
  sql: Sql,
  { chain, limit, cursor }: { chain: string; limit: number; cursor?: string },
): Promise<{ items: object[]; cursor?: string }> {
  const before = cursor === undefined ? undefined : placeInChain(cursor)
  const found = await readAudit(sql, { chain, limit: limit + 1, before })
  const page = found.slice(0, limit)
  const more = found.length > limit && { cursor: `${page.at(-1)!.seq}` }
  return { items: page.map(view), ...more }
}

function placeInChain(cursor: string): number {
  if (/^[1-9]\d{0,15}$/.test(cursor)) return Number(cursor)
  throw new InvalidRequestError('Start again without a cursor.', 'InvalidCursor')
}

function view({ seq, hash, at, actor, role, action, subject, ...event }: ChainedEvent) {
  const { before, after, reason } = event
  return {
    seq,
    at: at.toISOString(),
    actor,
    role,
    action,
    subject,
    before,
    after,
    reason,
    hash: hash.toString('hex'),
  }
}
