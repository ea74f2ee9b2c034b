import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { required } from '../../access.ts'
import { type Acting, act } from '../../act.ts'
import { appendAudit } from '../../audit.ts'
import { tenantMembership } from '../../collections/platform/tenant-membership.ts'
import { instant } from '../../define.ts'
import { revokeInvitation, useInvitation } from '../../invitation.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { nearness } from '../../plans.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { decodeCursor, encodeCursor } from '../../serve-list.ts'
import { decidesAbout, requireOpen, requireTenantPermission } from '../../tenant-access.ts'
import {
  INVITE,
  type TenantInvitation,
  findByToken,
  invalidInvitation,
  issueToken,
  noteInvitation,
} from '../../tenant-invitation.ts'
import { type Tenant, requireTenant, usageOf } from '../../tenants.ts'
import { membershipView } from './tenant-members.ts'

type Deps = Reading &
  Acting & {
    readonly clock: Clock
    readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
  }

/** `platform.inviteMember`, `listTenantInvitations`, `revokeTenantInvitation` and
 *  `acceptInvitation`: nobody hands on more than they have, and a seat is taken when the invitation
 *  is accepted. */
export function tenantInvitations(mount: Mount, deps: Deps): void {
  const { sql, clock, outbox } = deps
  const permission = 'manage_users'

  procedure(mount, co.kendev.platform.inviteMember, async ({ input, viewer }) => {
    const { role, email = null, message = null, anyEmail = false } = input
    const asks = { tenant: input.tenant, did: viewer.did, permission } as const
    const { tenant, standing } = await requireTenantPermission(sql, asks)
    if (!decidesAbout(standing.role, role))
      throw new ForbiddenError(`A ${standing.role} cannot make somebody ${role}.`, 'Forbidden')
    const createdBy = viewer.did
    const wish = { tenant: tenant.did, role, email, message, anyEmail, createdBy, now: clock.now() }
    const invitation = await outbox.transact(async (tx, queue) => {
      const noted = await noteInvitation(tx, wish)
      await appendAudit(tx, {
        chain: tenant.did,
        actor: viewer.did,
        role: standing.role,
        action: co.kendev.platform.inviteMember.$lxm,
        subject: tenant.did,
        at: clock.now(),
      })
      if (email !== null) await queue(letterOf(noted))
      return noted
    })
    if (email !== null) return { invitation: view(invitation) } as never
    const issued = await issueToken(sql, {
      tenant: tenant.did,
      id: invitation.id,
      now: clock.now(),
    })
    return { invitation: view(invitation), token: issued!.token } as never
  })

  query(mount, co.kendev.platform.listTenantInvitations, async ({ params, viewer }) => {
    const { limit, cursor } = params
    const asks = { tenant: params.tenant, did: required(viewer).did, permission } as const
    const { tenant } = await requireTenantPermission(sql, { ...asks, reads: true })
    const before = cursor === undefined ? undefined : decodeCursor(cursor)
    const { rows } = await sql.query<TenantInvitation>(OPEN, [
      tenant.did,
      clock.now(),
      limit + 1,
      before?.[0] ?? null,
      before?.[1].slice('at://'.length) ?? null,
    ])
    const page = rows.slice(0, limit)
    const last = rows.length > limit ? page.at(-1) : undefined
    const next = last && { cursor: encodeCursor(last.createdAt, `at://${last.id}`) }
    return { items: page.map(view), ...next } as never
  })

  procedure(mount, co.kendev.platform.revokeTenantInvitation, async ({ input, viewer }) => {
    const asks = { tenant: input.tenant, did: viewer.did, permission } as const
    const { tenant } = await requireTenantPermission(sql, { ...asks, reads: true })
    if (!(await revokeInvitation(sql, tenant.did, input.id)))
      throw notFound(`open invitation ${input.id}`)
    return { id: input.id }
  })

  procedure(mount, co.kendev.platform.acceptInvitation, async ({ input, viewer }) => {
    const { did } = viewer
    const invitation = await findByToken(sql, { token: input.token, did, now: clock.now() })
    const tenant = await requireTenant(sql, invitation.tenant)
    await requireAddressee(deps, invitation, viewer)
    requireOpen(tenant)
    await accept(deps, { tenant, invitation, did, profile: input.profile })
    return (await membershipView(deps, tenant.did, did)) as never
  })
}

const OPEN = `select space as tenant, id, role, email, message, "createdBy", "createdAt",
    "expiresAt" from node.invitation
  where space = $1 and "usedAt" is null and "expiresAt" > $2
    and ($4::timestamptz is null or ("createdAt", id) < ($4, $5))
  order by "createdAt" desc, id desc limit $3`

function letterOf({ tenant, id }: TenantInvitation): Job {
  return { queue: INVITE, key: id, data: { tenant, id } }
}

/** Of somebody hosted here the address is known, and has to be the one that was written to; of all
 *  others, having the token is what counts. */
async function requireAddressee(
  { emailOf }: Deps,
  { email, anyEmail }: TenantInvitation,
  viewer: { did: string; kind: string },
): Promise<void> {
  if (email === null || anyEmail || viewer.kind !== 'local') return
  const own = await emailOf(viewer.did)
  if (own?.address.toLowerCase() !== email.toLowerCase()) throw invalidInvitation()
}

type Accepting = {
  tenant: Tenant & { did: string }
  invitation: TenantInvitation
  did: string
  profile: object | undefined
}

/** Whoever is in already stays as they are; who was put out comes back by invitation only. */
async function accept(deps: Deps, { tenant, invitation, did, profile }: Accepting): Promise<void> {
  const { sql, clock } = deps
  const { rows } = await sql.query<{ status: string }>(
    'select status from repo.admission where authority = $1 and subject = $2',
    [tenant.did, did],
  )
  if (rows[0]?.status === 'active') return
  const { role, createdBy } = invitation
  await useInvitation(sql, { ...invitation, space: tenant.did }, { did, now: clock.now() })
  const joinedAt = clock.now().toISOString()
  const about = { subject: did, role, invitedBy: createdBy, joinedAt, ...(profile && { profile }) }
  const place = audienceUri(tenant.did, 'members', TENANT_SPACE)
  const data = { who: did, tenant: tenant.name, role: role.replace('tenant_', '') }
  const told = { recipient: createdBy, kind: 'invitationAccepted', key: invitation.id, data }
  await act(deps, {
    at: { did: tenant.did, collection: tenantMembership.nsid, rkey: did, place },
    record: { $type: tenantMembership.nsid, ...about },
    by: { actor: did, action: co.kendev.platform.acceptInvitation.$lxm },
    effects: [noticeJob({ ...told, subject: tenant.did })],
  })
  await warn(deps, tenant)
}

/** At four fifths of the seats the owner hears of it, once for each size of the plan. */
async function warn({ sql, outbox }: Deps, tenant: Tenant & { did: string }): Promise<void> {
  const { users } = await usageOf(sql, tenant.did)
  const allowed = tenant.limits.users
  if (nearness(users, allowed) === 'free') return
  const data = { tenant: tenant.name, limit: 'users', used: `${users}`, allowed: `${allowed}` }
  const key = `${tenant.id} users ${allowed}`
  const told = { recipient: tenant.owner, kind: 'limitWarning', key, data, subject: tenant.did }
  await outbox.transact((_tx, queue) => queue(noticeJob(told)))
}

function view(invitation: TenantInvitation) {
  const { email, message, createdAt, expiresAt, tenant, id, role, createdBy } = invitation
  return {
    ...{ id, tenant, role, createdBy },
    ...(email !== null && { email }),
    ...(message !== null && { message }),
    createdAt: instant(createdAt),
    expiresAt: instant(expiresAt),
  }
}
