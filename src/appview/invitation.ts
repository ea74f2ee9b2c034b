import { createHash, randomBytes } from 'node:crypto'
import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import type { Sql } from './sql.ts'

/** What admits one account to a space, once. */
export type Invitation = {
  readonly space: string
  readonly id: string
  readonly role: string
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

const DAY_MS = 86_400_000
/** So many invitations of one space can wait to be used at one time. */
const OPEN_MAX = 1_000

/** Makes an invitation with a token of 256 bits, of which only the hash is kept (`domain.md` D-06,
 *  N-12). Throws `LimitExceeded`. */
export async function makeInvitation(
  sql: Sql,
  wish: { space: string; role: string; createdBy: string; days: number; now: Date },
): Promise<{ invitation: Invitation; token: string }> {
  const { space, role, createdBy, days, now } = wish
  const token = randomBytes(32).toString('base64url')
  const id = randomBytes(12).toString('hex')
  const expiresAt = new Date(now.getTime() + days * DAY_MS)
  const { rowCount } = await sql.query(
    `insert into node.invitation (space, id, hash, role, "createdBy", "createdAt", "expiresAt")
     select $1, $2, $3, $4, $5, $6::timestamptz, $7
     where (select count(*) from node.invitation
            where space = $1 and "usedAt" is null and "expiresAt" > $6) < ${OPEN_MAX}`,
    [space, id, hashOf(token), role, createdBy, now, expiresAt],
  )
  if (rowCount !== 1)
    throw new InvalidRequestError(
      `A space has at most ${OPEN_MAX} open invitations. Revoke some first.`,
      'LimitExceeded',
    )
  return { invitation: { space, id, role, createdBy, createdAt: now, expiresAt }, token }
}

/** The invitation of that token, if it still admits this account: unused, or used by the same.
 *  Throws `InvalidInvitation`, whatever is wrong with it. */
export async function findInvitation(
  sql: Sql,
  asked: { space: string; token: string; did: string; clock: Clock },
): Promise<Invitation> {
  const { space, token, did, clock } = asked
  const { rows } = await sql.query<Invitation>(
    `select space, id, role, "createdBy", "createdAt", "expiresAt" from node.invitation
     where hash = $1 and space = $2 and "expiresAt" > $3 and coalesce("usedBy", $4) = $4`,
    [hashOf(token), space, clock.now(), did],
  )
  if (rows[0]) return rows[0]
  throw invalidInvitation()
}

/** Gives an invitation to whoever is first; the same account may come again, after a crash. Throws
 *  `InvalidInvitation` for everybody else. */
export async function useInvitation(
  sql: Sql,
  { space, id }: Invitation,
  by: { did: string; now: Date },
): Promise<void> {
  const { rowCount } = await sql.query(
    `update node.invitation set "usedBy" = $3, "usedAt" = coalesce("usedAt", $4)
     where space = $1 and id = $2 and coalesce("usedBy", $3) = $3`,
    [space, id, by.did, by.now],
  )
  if (rowCount !== 1) throw invalidInvitation()
}

/** The invitations that can still be used, newest first. */
export async function openInvitations(
  sql: Sql,
  page: { space: string; now: Date; limit: number; before: readonly string[] },
): Promise<Invitation[]> {
  const { space, now, limit, before } = page
  const { rows } = await sql.query<Invitation>(
    `select space, id, role, "createdBy", "createdAt", "expiresAt" from node.invitation
     where space = $1 and "usedAt" is null and "expiresAt" > $2
       and ($4::timestamptz is null or ("createdAt", id) < ($4, $5))
     order by "createdAt" desc, id desc limit $3`,
    [space, now, limit, before[0] ?? null, before[1] ?? null],
  )
  return rows
}

/** Takes back what nobody has used; whether there was such a one. */
export async function revokeInvitation(sql: Sql, space: string, id: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'delete from node.invitation where space = $1 and id = $2 and "usedAt" is null',
    [space, id],
  )
  return rowCount === 1
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** That an invitation does not hold, whatever is wrong with it. */
export function invalidInvitation(): InvalidRequestError {
  return new InvalidRequestError(
    'This invitation does not admit you. Ask for a new one.',
    'InvalidInvitation',
  )
}
