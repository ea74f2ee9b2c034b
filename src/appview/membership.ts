import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Permission } from './audiences.ts'
import { may } from './permissions.ts'
import type { Sql } from './sql.ts'

export type Standing = {
  readonly role: string
  readonly status: 'active' | 'pending' | 'left'
}

/** Where a person stands in a space: what the space's repo says, and what the person wants. */
export async function standingIn(
  sql: Sql,
  space: string,
  did: string,
): Promise<Standing | undefined> {
  const { rows } = await sql.query<{ role: string | null; asked: boolean }>(STANDING, [space, did])
  const { role, asked } = rows[0]!
  if (role === null) return asked ? { role: 'guest', status: 'pending' } : undefined
  return { role, status: asked ? 'active' : 'left' }
}

const STANDING = {
  name: 'standing',
  text: `select
    (select m.role from appview.membership m where m.did = $1 and m.subject = $2) as role,
    exists (select 1 from appview."membershipRequest" q
            where q.space = $1 and q.did = $2) as asked`,
}

/** Throws `NotFound` unless there is such a space to see. */
export async function requireSpace(
  sql: Sql,
  space: string,
): Promise<{ did: string; memberApproval: string }> {
  const { rows } = await sql.query<{ did: string; memberApproval: string }>(
    { name: 'space', text: 'select did, "memberApproval" from appview.space where did = $1' },
    [space],
  )
  if (rows[0]) return rows[0]
  throw new InvalidRequestError(`This node knows no space ${space}.`, 'NotFound')
}

/** Throws `NotAMember` unless the person is an active member, `Forbidden` unless their role
 *  includes the permission. */
export async function requirePermission(
  sql: Sql,
  asks: { space: string; did: string; permission: Permission },
): Promise<Standing> {
  await requireSpace(sql, asks.space)
  const standing = await standingIn(sql, asks.space, asks.did)
  if (standing?.status !== 'active')
    throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
  if (!may(standing.role, asks.permission))
    throw new ForbiddenError(
      `A ${standing.role} of this space may not do this: it needs ${asks.permission}.`,
      'Forbidden',
    )
  return standing
}
