import { ForbiddenError } from '@atproto/xrpc-server'
import { notFound } from './not-found.ts'
import type { Sql } from './sql.ts'
import { type Tenant, requireTenant } from './tenants.ts'

/** What the role of somebody who works with a tenant, or a grant to them, may allow. */
export type TenantPermission =
  | 'manage_users'
  | 'manage_spaces'
  | 'manage_content'
  | 'manage_products'
  | 'manage_orders'
  | 'view_analytics'
  | 'manage_settings'
  | 'manage_billing'
  | 'export_data'

const MANAGER: readonly TenantPermission[] = [
  'manage_spaces',
  'manage_content',
  'manage_products',
  'manage_orders',
  'view_analytics',
]
const ADMIN: readonly TenantPermission[] = [
  ...MANAGER,
  'manage_users',
  'manage_settings',
  'manage_billing',
  'export_data',
]

/** What each role may do (`domain.md` §6.2). Roles count only from the tenant's repo. */
const GRANTS: Readonly<Record<string, readonly TenantPermission[]>> = {
  tenant_admin: ADMIN,
  tenant_manager: MANAGER,
  tenant_member: [],
}

const RANKS: readonly string[] = ['tenant_admin', 'tenant_manager', 'tenant_member']

/** How somebody who works with a tenant stands to it. */
export type TenantStanding = { readonly role: string; readonly permissions: readonly string[] }

/** Whether the role or a grant beside it includes the permission. */
export function tenantAllows({ role, permissions }: TenantStanding, permission: string): boolean {
  const grants: readonly string[] = Object.hasOwn(GRANTS, role) ? GRANTS[role]! : []
  return grants.includes(permission) || permissions.includes(permission)
}

/** Whether somebody of the one role decides about somebody of the other: administrators about
 *  everybody, others about lesser roles only. */
export function decidesAbout(role: string, other: string): boolean {
  const [above, below] = [RANKS.indexOf(role), RANKS.indexOf(other)]
  return above === 0 || (above !== -1 && below > above)
}

/** A tenant of this node, and how somebody stands to it. */
export type Seen = {
  readonly tenant: Tenant & { readonly did: string }
  readonly standing: TenantStanding
}

/** Throws `NotFound` unless there is such a tenant here that the person actively works with. */
export async function requireTenantMember(
  sql: Sql,
  asks: { tenant: string; did: string },
): Promise<Seen> {
  const { rows } = await sql.query<TenantStanding>(STANDING, [asks.tenant, asks.did])
  if (!rows[0]) throw notFound(`tenant ${asks.tenant}`)
  return { tenant: await requireTenant(sql, asks.tenant), standing: rows[0] }
}

const STANDING = {
  name: 'tenant-standing',
  text: `select a.role, coalesce(m.permissions, '{}') as permissions
    from repo.admission a join node.tenant t on t.did = a.authority
    left join appview."tenantMembership" m on m.did = a.authority and m.subject = a.subject
    where a.authority = $1 and a.subject = $2 and a.status = 'active'`,
}

/** The same, for what a permission is needed for: throws `Forbidden` without it, and
 *  `TenantSuspended` while nothing of the tenant may change (`domain.md` AC-17). */
export async function requireTenantPermission(
  sql: Sql,
  asks: { tenant: string; did: string; permission: TenantPermission; reads?: boolean },
): Promise<Seen> {
  const seen = await requireTenantMember(sql, asks)
  if (!tenantAllows(seen.standing, asks.permission))
    throw new ForbiddenError(
      `A ${seen.standing.role} of this tenant may not do this: it needs ${asks.permission}.`,
      'Forbidden',
    )
  if (!asks.reads) requireOpen(seen.tenant)
  return seen
}

/** Throws `FeatureNotInPlan` unless the plan of the tenant, or the template it was set up from, has
 *  the feature (`domain.md` AC-18). */
export function requireFeatureOf({ features, name, plan }: Tenant, feature: string): void {
  if (features.includes(feature)) return
  throw new ForbiddenError(
    `${name} has no ${feature}: it is not in the plan ${plan}. Ask the operator of this node.`,
    'FeatureNotInPlan',
  )
}

/** Throws `TenantSuspended` unless what belongs to the tenant may change now. */
export function requireOpen({ status, name }: Tenant): void {
  if (status === 'active' || status === 'trial') return
  throw new ForbiddenError(
    `${name} is ${status}: it can be read, not changed. Ask the operator of this node.`,
    'TenantSuspended',
  )
}
