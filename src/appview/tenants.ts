import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Machine, nextStates } from './machine.ts'
import { notFound } from './not-found.ts'
import { type Limits, type Price, monthlyRevenue, periodAt } from './plans.ts'
import type { Clock } from '../clock.ts'
import type { Sql } from './sql.ts'
import { monthOf } from './tenant-meter.ts'
import { megabytes } from './tenant-storage.ts'

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
  readonly price?: Price
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
export async function usageOf(sql: Sql, did: string, now: Date) {
  const { rows } = await sql.query<Usage>(USAGE, [did, now, monthOf(now)])
  const { bytes, calls, lastActivity, ...counts } = rows[0]!
  return {
    ...counts,
    storageMb: megabytes(Number(bytes)),
    apiCallsThisMonth: Number(calls),
    ...(lastActivity && { lastActivity: lastActivity.toISOString() }),
  }
}

type Usage = {
  users: number
  activeUsers: number
  spaces: number
  products: number
  bytes: string
  calls: string
  lastActivity: Date | null
}

const SPACES = `select s.did from node."pendingSpace" s
  where s.did is not null and s.records->'space'->>'tenant' = $1`

const USAGE = `select
  (select count(*)::int from repo.admission where authority = $1 and status = 'active') as users,
  (select count(*)::int from node."tenantActivity" a where a.tenant = t.id
     and a."lastActiveAt" > $2::timestamptz - interval '30 days') as "activeUsers",
  (select count(*)::int from (${SPACES}) s) as spaces,
  (select count(*)::int from appview.product p
     where p.did = $1 or p.did in (${SPACES})) as products,
  coalesce((select bytes from node."tenantStorage" where tenant = t.id), 0) as bytes,
  coalesce((select calls from node."tenantCalls" where tenant = t.id and month = $3), 0) as calls,
  (select max("lastActiveAt") from node."tenantActivity" where tenant = t.id) as "lastActivity"
  from node.tenant t where t.did = $1`

/** A tenant as super admins see it; its owner does not see their notes. */
export async function provisionView(
  { sql, clock }: { sql: Sql; clock: Clock },
  tenant: Tenant,
  isAdmin: boolean,
) {
  const { did, notes, provisionedAt, trialEndsAt, createdAt, billing: _, ...told } = tenant
  const log = await provisioningLog(sql, tenant.id)
  return {
    id: told.id,
    ...(did !== null && { did, usage: await usageOf(sql, did, clock.now()) }),
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
    billing: billingView(tenant, clock.now()),
    ...(isAdmin && notes !== null && { notes }),
    isProvisioned: told.isProvisioned,
    ...(provisionedAt && { provisionedAt: provisionedAt.toISOString() }),
    ...(trialEndsAt && { trialEndsAt: trialEndsAt.toISOString() }),
    log: logView(log),
    createdAt: createdAt.toISOString(),
  }
}

/** How a tenant pays, with what follows from it: nothing is earned by a trial, by who has ceased to
 *  pay, or without a price. */
function billingView({ billing, status, provisionedAt, trialEndsAt }: Tenant, now: Date) {
  const { reference: _, trial: __, ...pays } = billing
  const { cycle = 'monthly', price, paymentStatus = '' } = pays
  const earns = price && ['current', 'past-due'].includes(paymentStatus)
  const end = status === 'trial' ? trialEndsAt : null
  const period =
    provisionedAt && (end ? { start: provisionedAt, end } : periodAt(provisionedAt, cycle, now))
  return {
    ...pays,
    ...(earns && { monthlyRevenue: monthlyRevenue(price, cycle) }),
    ...(period && {
      currentPeriodStart: period.start.toISOString(),
      currentPeriodEnd: period.end.toISOString(),
    }),
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
