import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Machine, nextStates } from './machine.ts'
import { notFound } from './not-found.ts'
import type { Limits } from './plans.ts'
import type { Sql } from './sql.ts'

/** A tenant as this node has set it up. What it says of itself stands in its records. */
export type Tenant = {
  readonly id: string
  readonly did: string | null
  readonly subdomain: string
  readonly name: string
  readonly owner: string
  readonly businessType: string
  readonly template: string
  readonly status: string
  readonly plan: string
  readonly limits: Limits
  readonly features: readonly string[]
  readonly billing: Billing
  readonly notes: string | null
  readonly isProvisioned: boolean
  readonly provisionedAt: Date | null
  readonly trialEndsAt: Date | null
  readonly createdBy: string
  readonly createdAt: Date
}

/** How a tenant pays; `reference` is what it was to be called at the provider. */
export type Billing = {
  readonly cycle?: string
  readonly paymentStatus?: string
  readonly nextBillingDate?: string
  readonly customer?: string
  readonly reference?: string
  readonly trial?: boolean
}

const notYet = {
  name: 'IsProvisioned',
  kind: 'hard',
  against: (row: Readonly<Record<string, unknown>>) =>
    row['isProvisioned'] ? undefined : 'It is not set up to the end: retry or roll back.',
} as const

/** How a tenant comes to be, rests and ends (`domain.md` SM-11). */
export const tenantMachine: Machine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending'], to: 'trial', guard: notYet },
    { from: ['pending', 'trial', 'suspended'], to: 'active', guard: notYet },
    { from: ['trial', 'active'], to: 'suspended' },
    { from: ['suspended'], to: 'archived' },
  ],
}

/** The tenant of that name or DID; undefined when this node has none. */
export async function findTenant(sql: Sql, idOrDid: string): Promise<Tenant | undefined> {
  const { rows } = await sql.query<Tenant>('select * from node.tenant where id = $1 or did = $1', [
    idOrDid,
  ])
  return rows[0]
}

/** Throws `NotFound` unless this node has set up a tenant of that name or DID. */
export async function requireTenant(
  sql: Sql,
  idOrDid: string,
): Promise<Tenant & { readonly did: string }> {
  const tenant = await findTenant(sql, idOrDid)
  if (tenant?.did != null) return { ...tenant, did: tenant.did }
  throw notFound(`tenant ${idOrDid}`)
}

/** Throws `HandleNotAvailable` for a handle that a tenant of this node has, or is to have. */
export async function refuseTenantHandle(sql: Sql, handle: string, domain: string): Promise<void> {
  const { rowCount } = await sql.query('select 1 from node.tenant where subdomain || $2 = $1', [
    handle,
    domain,
  ])
  if (rowCount === 0) return
  throw new InvalidRequestError('A tenant has this name. Choose another.', 'HandleNotAvailable')
}

/** A line of the log of a tenant's setting up. */
export type LogEntry = { action: string; status: string; details: string | null; at: Date }

/** The log of a tenant's setting up, oldest first. */
export async function provisioningLog(sql: Sql, id: string): Promise<LogEntry[]> {
  const { rows } = await sql.query<LogEntry>(
    'select action, status, details, at from node."provisioningLog" where tenant = $1 order by n',
    [id],
  )
  return rows
}

/** What a tenant uses now, counted anew. */
export async function usageOf(sql: Sql, did: string) {
  const { rows } = await sql.query<{ users: number; spaces: number; products: number }>(USAGE, [
    did,
  ])
  return rows[0]!
}

const USAGE = `select
  (select count(*)::int from repo.admission where authority = $1 and status = 'active') as users,
  (select count(*)::int from appview.space where content->>'tenant' = $1) as spaces,
  (select count(*)::int from appview.product p join appview.space s on s.did = p.did
   where s.content->>'tenant' = $1) as products`

/** A tenant as super admins see it; its owner does not see their notes. */
export async function provisionView(sql: Sql, tenant: Tenant, isAdmin: boolean) {
  const { did, notes, provisionedAt, trialEndsAt, createdAt, billing, ...told } = tenant
  const { reference: _, trial: __, ...pays } = billing
  const log = await provisioningLog(sql, tenant.id)
  return {
    id: told.id,
    ...(did !== null && { did, usage: await usageOf(sql, did) }),
    name: told.name,
    subdomain: told.subdomain,
    status: told.status,
    nextStates: told.isProvisioned ? nextStates(tenantMachine, told.status) : [],
    plan: told.plan,
    limits: told.limits,
    features: told.features,
    template: told.template,
    businessType: told.businessType,
    owner: told.owner,
    billing: pays,
    ...(isAdmin && notes !== null && { notes }),
    isProvisioned: told.isProvisioned,
    ...(provisionedAt && { provisionedAt: provisionedAt.toISOString() }),
    ...(trialEndsAt && { trialEndsAt: trialEndsAt.toISOString() }),
    log: logView(log),
    createdAt: createdAt.toISOString(),
  }
}

/** A log as methods answer it. */
export function logView(log: readonly LogEntry[]) {
  return log.map(({ details, at, ...entry }) => ({
    ...entry,
    ...(details !== null && { details }),
    at: at.toISOString(),
  }))
}
