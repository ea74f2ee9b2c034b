import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Outbox } from '../jobs/jobs.ts'
import { product } from './collections/commerce/product.ts'
import { memberCrm } from './collections/spaces/member-crm.ts'
import { space as spaceRecord } from './collections/spaces/space.ts'
import { limitExceeded, warnOwner } from './limits.ts'
import { recordUri } from './reference.ts'
import type { Sql } from './sql.ts'
import { requireFeatureOf, requireOpen } from './tenant-access.ts'
import type { Tenant } from './tenants.ts'
import type { Turns } from './turns.ts'

/** The tenant that a space of this node was founded for; undefined for a space of nobody's. What
 *  the record of a space says of it is not asked: its people write that. */
export async function tenantOfSpace(
  sql: Sql,
  space: string,
): Promise<(Tenant & { did: string }) | undefined> {
  const { rows } = await sql.query<Tenant & { did: string }>(
    `select t.* from node."pendingSpace" p join node.tenant t
       on t.did = p.records->'space'->>'tenant'
     where p.did = $1`,
    [space],
  )
  return rows[0]
}

/** Throws `TenantSuspended` when the space is of a tenant of which nothing may change now. */
export async function requireOpenTenant(sql: Sql, space: string): Promise<void> {
  const tenant = await tenantOfSpace(sql, space)
  if (tenant?.isProvisioned) requireOpen(tenant)
}

/** What products a plan without a shop has: services, which are booked. */
const GOODS = ['physical', 'ai_print_demand', 'digital_download']

/**
 * What the tenant of a space has to say to a record written for it: nothing changes while it is
 * suspended (`TenantSuspended`), its plan has what the record is part of (`FeatureNotInPlan`), and
 * a space stays with whom it was founded for (`NotSupported`).
 */
export async function permitTenant(
  sql: Sql,
  space: string,
  record: Readonly<Record<string, unknown>>,
): Promise<void> {
  const tenant = await tenantOfSpace(sql, space)
  keepTenant(tenant, record)
  if (!tenant?.isProvisioned) return
  requireOpen(tenant)
  if (record['$type'] === product.nsid) requireShop(tenant, record['productType'])
  if (record['$type'] === memberCrm.nsid) requireFeatureOf(tenant, 'crm')
}

/** Throws `FeatureNotInPlan` for goods that only a plan with a shop has. */
export function requireShop(tenant: Tenant, productType: unknown): void {
  if (GOODS.includes(String(productType))) requireFeatureOf(tenant, 'ecommerce')
}

function keepTenant(
  tenant: { did: string } | undefined,
  record: Readonly<Record<string, unknown>>,
): void {
  if (record['$type'] !== spaceRecord.nsid || record['tenant'] === tenant?.did) return
  throw new InvalidRequestError(
    tenant
      ? `A space stays with the tenant it was founded for: tenant is ${tenant.did}.`
      : 'This space was founded for no tenant. Leave tenant out.',
    'NotSupported',
  )
}

/** Throws `LimitExceeded` unless the plan of the tenant has room for one more space, besides those
 *  that are being founded; `tx` holds the tenant until it ends, so that of two at one time the
 *  second counts the first. */
export async function requireSpaceLeft(
  tx: Sql,
  { tenant, caller, key }: { tenant: string; caller: string; key: string },
): Promise<void> {
  const { rows } = await tx.query<{ allowed: number }>(
    `select (limits->>'spaces')::int as allowed from node.tenant where did = $1 for update`,
    [tenant],
  )
  const allowed = rows[0]?.allowed
  if (allowed === undefined) return
  const { rows: counted } = await tx.query<{ used: number }>(
    `select count(*)::int as used from node."pendingSpace"
     where records->'space'->>'tenant' = $1 and (caller, key) <> ($2, $3)`,
    [tenant, caller, key],
  )
  const { used } = counted[0]!
  if (used >= allowed)
    throw limitExceeded({ limit: 'spaces', used, allowed }, 'A larger plan has more.')
}

/** Writes a product of a tenant, or of a space of one, within the plan; changing one is always
 *  possible. Throws `LimitExceeded`. */
export async function withinProducts<T>(
  deps: { sql: Sql; outbox: Outbox; inTurn: Turns },
  at: { did: string; rkey: string },
  write: () => Promise<T>,
  own?: Tenant & { readonly did: string },
): Promise<T> {
  const { sql, outbox, inTurn } = deps
  const tenant = own ?? (await tenantOfSpace(sql, at.did))
  if (!tenant) return write()
  return inTurn(`products ${tenant.id}`, async () => {
    const allowed = tenant.limits.products
    const { rows } = await sql.query<{ used: number; isNew: boolean }>(PRODUCTS, [
      tenant.did,
      recordUri(at.did, product.nsid, at.rkey),
    ])
    const { used, isNew } = rows[0]!
    if (!isNew) return write()
    if (used >= allowed)
      throw limitExceeded({ limit: 'products', used, allowed }, 'A larger plan has more.')
    const written = await write()
    await warnOwner(outbox, tenant, { limit: 'products', used: used + 1, allowed })
    return written
  })
}

const PRODUCTS = `select count(*)::int as used,
    not coalesce(bool_or(p.uri = $2), false) as "isNew"
  from appview.product p
  where p.did = $1 or p.did in (select s.did from node."pendingSpace" s
    where s.records->'space'->>'tenant' = $1)`
