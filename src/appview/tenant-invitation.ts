import { createHash, randomBytes } from 'node:crypto'
import { InvalidRequestError } from '@atproto/xrpc-server'
import type { SendMail } from '../mail/mail.ts'
import type { Sql } from './sql.ts'

/** What lets one person work with a tenant, once. */
export type TenantInvitation = {
  readonly tenant: string
  readonly id: string
  readonly role: string
  readonly email: string | null
  readonly message: string | null
  readonly anyEmail: boolean
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** The queue of letters with invitations in them. */
export const INVITE = 'invite'

const FIELDS = `space as tenant, id, role, email, message, "anyEmail", "createdBy", "createdAt",
  "expiresAt"`
const DAY_MS = 86_400_000
const DAYS = 7
const OPEN_MAX = 1_000

/** Notes an invitation that has no token yet (`domain.md` D-06, N-12). Throws `LimitExceeded`. */
export async function noteInvitation(
  tx: Sql,
  wish: Omit<TenantInvitation, 'id' | 'createdAt' | 'expiresAt'> & { now: Date },
): Promise<TenantInvitation> {
  const { tenant, role, email, message, anyEmail, createdBy, now } = wish
  const { rows } = await tx.query<TenantInvitation>(
    `insert into node.invitation
       (space, id, role, email, message, "anyEmail", "createdBy", "createdAt", "expiresAt")
     select $1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $9
     where (select count(*) from node.invitation
            where space = $1 and "usedAt" is null and "expiresAt" > $8) < ${OPEN_MAX}
     returning ${FIELDS}`,
    [
      tenant,
      randomBytes(12).toString('hex'),
      role,
      email,
      message,
      anyEmail,
      createdBy,
      now,
      new Date(now.getTime() + DAYS * DAY_MS),
    ],
  )
  if (rows[0]) return rows[0]
  throw new InvalidRequestError(
    `A tenant has at most ${OPEN_MAX} open invitations. Revoke some first.`,
    'LimitExceeded',
  )
}

/** Gives an invitation that nobody has used a new token of 256 bits, of which only the hash is
 *  kept; the one before is void. Undefined for one that is used, revoked or over. */
export async function issueToken(
  sql: Sql,
  at: { tenant: string; id: string; now: Date },
): Promise<{ token: string; invitation: TenantInvitation } | undefined> {
  const token = randomBytes(32).toString('base64url')
  const { rows } = await sql.query<TenantInvitation>(
    `update node.invitation set hash = $3
     where space = $1 and id = $2 and "usedAt" is null and "expiresAt" > $4 returning ${FIELDS}`,
    [at.tenant, at.id, hashOf(token), at.now],
  )
  return rows[0] && { token, invitation: rows[0] }
}

/** The invitation of that token, if it still admits this account: unused, or used by the same.
 *  Throws `InvalidInvitation`, whatever is wrong with it. */
export async function findByToken(
  sql: Sql,
  asked: { token: string; did: string; now: Date },
): Promise<TenantInvitation> {
  const { token, did, now } = asked
  const { rows } = await sql.query<TenantInvitation>(
    `select ${FIELDS} from node.invitation
     where hash = $1 and "expiresAt" > $2 and coalesce("usedBy", $3) = $3
       and space in (select did from node.tenant)`,
    [hashOf(token), now, did],
  )
  if (rows[0]) return rows[0]
  throw invalidInvitation()
}

/** The answer for a token that does not admit the caller, whatever is wrong with it. */
export function invalidInvitation(): InvalidRequestError {
  return new InvalidRequestError(
    'This invitation does not admit you. Ask for a new one.',
    'InvalidInvitation',
  )
}

/** Sends the letter of an invitation, with a token made for this letter: none lies in the queue. */
export async function sendInvitation(
  t: { sql: Sql; now: () => Date; sendMail: SendMail; node: string },
  { tenant, id }: { tenant: string; id: string },
): Promise<void> {
  const issued = await issueToken(t.sql, { tenant, id, now: t.now() })
  const { rows } = await t.sql.query<{ name: string }>(
    'select name from node.tenant where did = $1',
    [tenant],
  )
  if (!issued || !rows[0] || issued.invitation.email === null) return
  const { email, role, message, expiresAt } = issued.invitation
  const lines = [
    `You are invited to work with ${rows[0].name} as ${role.replace('tenant_', '')}.`,
    ...(message === null ? [] : ['', message]),
    '',
    `Accept at ${t.node} with this token, until ${expiresAt.toISOString()}:`,
    '',
    issued.token,
  ]
  const subject = `An invitation to ${rows[0].name}`
  await t.sendMail({ to: email, subject, text: lines.join('\n'), key: `invitation ${id}` })
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
