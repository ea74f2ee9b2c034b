import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import type { Acting } from '../../act.ts'
import { admitMember, standingOf } from '../../admit-member.ts'
import { useInvitation } from '../../invitation.ts'
import { noticeJob } from '../../notify.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { tidTime } from '../../../tid.ts'
import { requireOpen } from '../../tenant-access.ts'
import { type TenantInvitation, findByToken, invalidInvitation } from '../../tenant-invitation.ts'
import { type Tenant, requireTenant } from '../../tenants.ts'
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
  const before = await standingOf(sql, tenant.did, did)
  if (before?.status === 'active') return
  const isOlder = before !== undefined && tidTime(before.rev) >= invitation.createdAt
  if (before?.status === 'suspended' || isOlder) throw invalidInvitation()
  const { role, createdBy: invitedBy } = invitation
  await useInvitation(sql, { ...invitation, space: tenant.did }, { did, now: clock.now() })
  const data = { who: did, tenant: tenant.name, role: role.replace('tenant_', '') }
  const told = { recipient: invitedBy, kind: 'invitationAccepted', key: invitation.id, data }
  await admitMember(deps, {
    tenant,
    did,
    about: { role, invitedBy, ...(profile && { profile }) },
    by: { actor: did, action: co.kendev.platform.acceptInvitation.$lxm },
    effects: [noticeJob({ ...told, subject: tenant.did })],
  })
}
