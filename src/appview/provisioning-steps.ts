import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../permissioned/audience.ts'
import { type Acting, act } from './act.ts'
import { appendAudit } from './audit.ts'
import type { BillingProvider } from './billing-provider.ts'
import { product } from './collections/commerce/product.ts'
import { membershipRequest } from './collections/spaces/membership-request.ts'
import { tenantMembership } from './collections/platform/tenant-membership.ts'
import { tenantSettings } from './collections/platform/tenant-settings.ts'
import { tenant as tenantRecord } from './collections/platform/tenant.ts'
import { type Founding, foundSpace } from './found-space.ts'
import { noticeJob } from './notify.ts'
import { TRIAL_DAYS, planOf } from './plans.ts'
import { featuresOf, tenantTemplates } from './tenant-templates.ts'
import type { Tenant } from './tenants.ts'
import { laterTid, tidAt } from '../tid.ts'

/** What setting tenants up needs. */
export type Provisioning = Acting &
  Founding & {
    /** What handles of this node end in, with the leading dot. */
    readonly handleDomain: string
    readonly billing: BillingProvider
    /** Makes a tenant's account, or finds the one an interrupted attempt has made. */
    readonly ensureTenantAccount: (handle: string) => Promise<{ did: string }>
    /** Takes back an account of a tenant or a space. */
    readonly removeAccount: (did: string) => Promise<void>
  }

/** What a step remembers, to be taken back. */
export type Kept = Readonly<Record<string, string>>

/** One step of setting a tenant up. Taking it, and taking it back, again changes nothing. */
export type Step = {
  readonly name: string
  readonly run: (p: Provisioning, tenant: Tenant) => Promise<Kept | void>
  readonly undo?: (p: Provisioning, tenant: Tenant, kept: Kept) => Promise<void>
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/
const DAY_MS = 86_400_000

/** Every step in order (`domain.md` SM-11). Nothing can be seen by everybody before the last. */
export const provisioningSteps: readonly Step[] = [
  { name: 'validateSubdomain', run: validateSubdomain },
  { name: 'createAccount', run: createAccount, undo: removeAccount },
  { name: 'createOwnerMembership', run: admitOwner, undo: dismissOwner },
  { name: 'applyTemplate', run: applyTemplate, undo: removeSpace },
  { name: 'registerDomain', run: registerDomain, undo: removeDomain },
  { name: 'setLimits', run: setLimits },
  { name: 'createProviderLinks', run: createLinks, undo: removeLinks },
  { name: 'sendWelcome', run: sendWelcome },
  { name: 'markProvisioned', run: publish },
]

async function validateSubdomain(p: Provisioning, { subdomain }: Tenant): Promise<void> {
  if (!NAME.test(subdomain))
    throw new InvalidRequestError(
      'A subdomain has 3 to 63 characters of a-z, 0-9 and inner hyphens.',
      'InvalidHandle',
    )
  const { rowCount } = await p.sql.query('select 1 from node."pendingSpace" where handle = $1', [
    `${subdomain}${p.handleDomain}`,
  ])
  if (rowCount !== 0)
    throw new InvalidRequestError('A space has this name already.', 'HandleNotAvailable')
}

async function createAccount(p: Provisioning, { id, subdomain }: Tenant): Promise<Kept> {
  const { did } = await p.ensureTenantAccount(`${subdomain}${p.handleDomain}`)
  await p.sql.query('update node.tenant set did = $2 where id = $1', [id, did])
  return { did }
}

async function removeAccount(p: Provisioning, { id }: Tenant, { did }: Kept): Promise<void> {
  await forgetAuthority(p, did!)
  await p.sql.query('update node.tenant set did = null where id = $1', [id])
}

/** With nobody admitted, nobody reads what an account that is gone has left behind. */
async function forgetAuthority(p: Provisioning, did: string): Promise<void> {
  await p.sql.query('delete from repo.admission where authority = $1', [did])
  await p.removeAccount(did)
}

function didOf({ did }: Tenant): string {
  if (did === null) throw new Error('the tenant has no account yet')
  return did
}

const by = ({ createdBy }: Tenant) => ({
  actor: createdBy,
  role: 'super_admin',
  action: co.kendev.platform.provisionTenant.$lxm,
})

const placeOf = (tenant: Tenant, audience: 'members' | 'managers') =>
  audienceUri(didOf(tenant), audience, TENANT_SPACE)

async function admitOwner(p: Provisioning, tenant: Tenant): Promise<void> {
  const { owner, createdAt } = tenant
  const joinedAt = createdAt.toISOString()
  const place = placeOf(tenant, 'members')
  const collection = tenantMembership.nsid
  const role = 'tenant_admin'
  await act(p, {
    at: { did: didOf(tenant), collection, rkey: owner, place },
    record: { $type: collection, subject: owner, role, joinedAt },
    by: by(tenant),
  })
  await act(p, {
    at: {
      did: didOf(tenant),
      collection: tenantSettings.nsid,
      rkey: 'self',
      place: placeOf(tenant, 'managers'),
    },
    record: {
      $type: tenantSettings.nsid,
      allowPublicSignup: false,
      requireEmailVerification: false,
      enableKarmaSystem: true,
      enableGuardianAngels: true,
      updatedAt: joinedAt,
    },
    by: by(tenant),
  })
}

async function dismissOwner(p: Provisioning, tenant: Tenant): Promise<void> {
  const place = placeOf(tenant, 'members')
  const at = { did: didOf(tenant), collection: tenantMembership.nsid, rkey: tenant.owner, place }
  await act(p, { at, record: undefined, by: by(tenant) })
}

/** The space that the tenant's people begin in is theirs alone, and so are the drafts in it. */
async function applyTemplate(p: Provisioning, tenant: Tenant): Promise<Kept> {
  const { channels, products } = tenantTemplates[tenant.template]!
  const at = tenant.createdAt.toISOString()
  const keys = keysFrom(tenant.createdAt)
  const { did } = await foundSpace(
    p,
    {
      caller: tenant.owner,
      key: spaceKey(tenant),
      slug: `s-${tenant.id}`,
      domain: p.handleDomain,
      exact: false,
    },
    {
      at,
      closed: true,
      space: { name: tenant.name, tenant: didOf(tenant), visibility: 'private', createdAt: at },
      channels: channels.map((name, position) => ({
        rkey: keys(position),
        record: { name, position, createdAt: at },
      })),
    },
  )
  const place = audienceUri(did, 'staff')
  for (const [n, draft] of products.entries()) {
    const record = { $type: product.nsid, ...draft, status: 'draft', createdAt: at }
    const rkey = keys(n)
    await p.writer.putRecord({ did, collection: product.nsid, rkey, place, record })
  }
  return { space: did }
}

/** Keys that are the same whenever the step is taken. */
function keysFrom(time: Date): (n: number) => string {
  const first = tidAt(time)
  return (n) => (n === 0 ? first : laterTid(keysFrom(time)(n - 1)))
}

const spaceKey = ({ id }: Tenant) => `tenant-${id}`

async function removeSpace(p: Provisioning, tenant: Tenant, { space }: Kept): Promise<void> {
  const place = audienceUri(space!, 'members')
  const request = { did: tenant.owner, collection: membershipRequest.nsid, rkey: space!, place }
  await p.writer.deleteRecord(request)
  await forgetAuthority(p, space!)
  await p.sql.query('delete from node."pendingSpace" where caller = $1 and key = $2', [
    tenant.owner,
    spaceKey(tenant),
  ])
}

async function registerDomain(p: Provisioning, tenant: Tenant): Promise<void> {
  await p.sql.query(
    `insert into node.domain (domain, tenant, type, challenge, "isPrimary", "verifiedAt",
       "createdAt")
     values ($1, $2, 'subdomain', '', true, $3, $3) on conflict (domain, tenant) do nothing`,
    [`${tenant.subdomain}${p.handleDomain}`, tenant.id, p.clock.now()],
  )
}

async function removeDomain(p: Provisioning, { id }: Tenant): Promise<void> {
  await p.sql.query('delete from node.domain where tenant = $1', [id])
}

async function setLimits(p: Provisioning, { id, plan, limits, template }: Tenant): Promise<void> {
  const features = featuresOf(template, planOf(plan, limits)?.features ?? [])
  await p.sql.query('update node.tenant set features = $2 where id = $1', [id, features])
}

async function createLinks(p: Provisioning, tenant: Tenant): Promise<Kept> {
  const { id, name, billing } = tenant
  const { reference } = billing
  const wish = { key: id, name, ...(reference !== undefined && { reference }) }
  const customer = await p.billing.createCustomer(wish)
  await p.sql.query('update node.tenant set billing = billing || $2::jsonb where id = $1', [
    id,
    JSON.stringify({ customer, paymentStatus: billing.trial ? 'trial' : 'current' }),
  ])
  return { customer }
}

async function removeLinks(p: Provisioning, _tenant: Tenant, { customer }: Kept): Promise<void> {
  await p.billing.deleteCustomer(customer!)
}

async function sendWelcome(p: Provisioning, tenant: Tenant): Promise<void> {
  const data = { tenant: tenant.name, handle: `${tenant.subdomain}${p.handleDomain}` }
  const notice = { recipient: tenant.owner, kind: 'tenantWelcome', key: tenant.id, data }
  await p.outbox.transact((_tx, queue) => queue(noticeJob({ ...notice, subject: didOf(tenant) })))
}

async function publish(p: Provisioning, tenant: Tenant): Promise<void> {
  const { id, name, subdomain: slug, businessType, createdAt, billing } = tenant
  const did = didOf(tenant)
  const now = p.clock.now()
  const status = billing.trial ? 'trial' : 'active'
  const ends = billing.trial ? new Date(now.getTime() + TRIAL_DAYS * DAY_MS) : null
  const domain = `${slug}${p.handleDomain}`
  const record = { name, slug, businessType, domain, createdAt: createdAt.toISOString() }
  await act(p, {
    at: { did, collection: tenantRecord.nsid, rkey: 'self', place: '' },
    record: { $type: tenantRecord.nsid, ...record },
    by: by(tenant),
  })
  await p.outbox.transact(async (tx) => {
    const { rowCount } = await tx.query(
      `update node.tenant set "isProvisioned" = true, status = $2, "provisionedAt" = $3,
         "trialEndsAt" = $4, "updatedAt" = $3
       where id = $1 and not "isProvisioned"`,
      [id, status, now, ends],
    )
    if (rowCount === 1) await appendAudit(tx, { ...by(tenant), chain: did, subject: did, at: now })
  })
}
