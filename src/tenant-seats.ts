import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Sql } from './database/sql.ts'
import { co } from './lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from './permissioned/audience.ts'
import type { Guard, GuardedChange } from './permissioned/store/guard.ts'

/** The record that admits somebody to a tenant. */
export const TENANT_MEMBERSHIP = co.kendev.platform.tenantMembership.$type

type Standing = { role: string; status: string } | undefined

/**
 * Keeps the seats and the administrators of the tenants of this node, in the transaction that
 * stores a membership: a seat is taken when somebody becomes active, never beyond the plan
 * (`domain.md` D-104, SM-09), and there is always an active administrator, the owner among them.
 * Throws `LimitExceeded`, `LastAdmin` and `OwnerRequired`.
 */
export const seatGuard: Guard = {
  concerns: ({ space, did, collection }) =>
    collection === TENANT_MEMBERSHIP && space === audienceUri(did, 'members', TENANT_SPACE),
  apply: async (tx, change) => {
    const { did: tenant, rkey: subject } = change
    // Locked, so that of two who come at one time the second sees the first.
    const { rows } = await tx.query<{ users: number; owner: string; isProvisioned: boolean }>(
      `select (limits->>'users')::int as users, owner, "isProvisioned" from node.tenant
       where did = $1 for update`,
      [tenant],
    )
    const [plan] = rows
    if (!plan) return
    const before = await standingOf(tx, tenant, subject)
    const after = standingAfter(change)
    if (isActive(after) && !isActive(before)) await requireSeat(tx, tenant, plan.users)
    if (!isAdmin(before) || isAdmin(after) || !plan.isProvisioned) return
    await requireOtherAdmin(tx, tenant, subject)
    if (subject === plan.owner)
      throw new InvalidRequestError(
        'The owner stays an administrator. Hand the tenant over first.',
        'OwnerRequired',
      )
  },
}

const isActive = (standing: Standing) => standing?.status === 'active'
const isAdmin = (standing: Standing) => isActive(standing) && standing?.role === 'tenant_admin'

async function standingOf(tx: Sql, tenant: string, subject: string): Promise<Standing> {
  const { rows } = await tx.query<{ role: string; status: string }>(
    'select role, status from repo.admission where authority = $1 and subject = $2',
    [tenant, subject],
  )
  return rows[0]
}

function standingAfter({ record }: GuardedChange): Standing {
  if (!record) return undefined
  const { role, status = 'active' } = record as { role?: unknown; status?: unknown }
  return { role: typeof role === 'string' ? role : '', status: status as string }
}

async function requireSeat(tx: Sql, tenant: string, allowed: number): Promise<void> {
  const { rows } = await tx.query<{ used: number }>(
    `select count(*)::int as used from repo.admission where authority = $1 and status = 'active'`,
    [tenant],
  )
  const { used } = rows[0]!
  if (used < allowed) return
  throw new InvalidRequestError(
    `All ${allowed} seats of this tenant are taken (users: ${used} of ${allowed}). ` +
      'Its administrators can remove somebody or change the plan.',
    'LimitExceeded',
  )
}

async function requireOtherAdmin(tx: Sql, tenant: string, subject: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select 1 from repo.admission where authority = $1 and subject <> $2
       and role = 'tenant_admin' and status = 'active' limit 1`,
    [tenant, subject],
  )
  if (rowCount === 1) return
  throw new InvalidRequestError(
    'A tenant is never without an administrator. Make somebody else one first.',
    'LastAdmin',
  )
}
