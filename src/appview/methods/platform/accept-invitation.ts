import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, act } from '../../act.ts'
import { tenantMembership } from '../../collections/platform/tenant-membership.ts'
import { useInvitation } from '../../invitation.ts'
import { noticeJob } from '../../notify.ts'
import { nearness } from '../../plans.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { tidTime } from '../../../tid.ts'
import { requireOpen } from '../../tenant-access.ts'
import { type TenantInvitation, findByToken, invalidInvitation } from '../../tenant-invitation.ts'
import { type Tenant, requireTenant, usageOf } from '../../tenants.ts'
import { membershipView } from './tenant-members.ts'

type Deps = Reading &
  Acting & {
    readonly clock: Clock
    readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
  }

/** `platform.acceptInvitation`: the tenant's record of the person is written now, and takes a seat
 *  where it is stored. */
export function acceptInvitation(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps

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

/** Whoever is in already stays as they are. Who is suspended does not come back by a token, nor who
 *  was put out by one that was made before. */
async function accept(deps: Deps, { tenant, invitation, did, profile }: Accepting): Promise<void> {
  const { sql, clock } = deps
  const { rows } = await sql.query<{ status: string; rev: string }>(
    'select status, rev from repo.admission where authority = $1 and subject = $2',
    [tenant.did, did],
  )
  const [before] = rows
  if (before?.status === 'active') return
  const isOlder = before !== undefined && tidTime(before.rev) >= invitation.createdAt
  if (before?.status === 'suspended' || isOlder) throw invalidInvitation()
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
