import { co } from '../../../lexicons/index.ts'
import { type Auditing, auditedWriter } from '../../audited-writer.ts'
import { checkRecord } from '../../check-record.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { decide } from '../../decide.ts'
import { requirePermission, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, procedure } from '../../serve.ts'
import {
  type Managed,
  type Standings,
  barredBy,
  forbidden,
  manage,
  pardon,
  recordOf,
  requireGivable,
  setStanding,
} from './member-standing.ts'
import { membershipRow, membershipView } from './membership-view.ts'

type Deps = Standings & Auditing & { readonly isHosted: (did: string) => Promise<boolean> }

/** `spaces.updateMember` and `spaces.removeMember`, for those who manage members, about members of
 *  lesser roles, and `spaces.transferOwnership`, for the owner. The space's records change together
 *  with who is given credentials, so that what a member could read ends with the answer, and only
 *  while they are what was decided by. */
export function updateMember(mount: Mount, parts: Deps): void {
  const acting = (actor: string, action: string, reason?: string): Deps => {
    const by = { actor, action, ...(reason !== undefined && { reason }) }
    return { ...parts, writer: auditedWriter(parts, by) }
  }

  procedure(mount, co.kendev.spaces.updateMember, async ({ input, viewer }) => {
    const { space, member, reason, ...change } = input
    const deps = acting(viewer.did, co.kendev.spaces.updateMember.$lxm, reason)
    const at = await recordsOf(deps, space, viewer.did)
    const who = { space, did: member, viewer: viewer.did }
    if (isBarring(change.status) || (await barredBy(deps.sql, space, member)))
      await setStanding(deps, who, { ...change, place: at.place, reason })
    else
      await decide(deps, at, async (swapHead) => {
        const managed = await manage(deps, { space, member, did: viewer.did })
        const record = changed(deps, managed, change)
        checkRecord({ ...at, collection: membership.nsid, rkey: member }, record)
        return deps.writer.putAll({ ...at, puts: [putOf(member, record)], swapHead })
      })
    return (await membershipView(deps, who)) as never
  })

  procedure(mount, co.kendev.spaces.removeMember, async ({ input, viewer }) => {
    const { space, member } = input
    const deps = acting(viewer.did, co.kendev.spaces.removeMember.$lxm)
    const at = await recordsOf(deps, space, viewer.did)
    if (await pardon(deps, { space, did: member, viewer: viewer.did })) return { space, member }
    await decide(deps, at, async (swapHead) => {
      await manage(deps, { space, member, did: viewer.did })
      const key = { collection: membership.nsid, rkey: member }
      return deps.writer.deleteRecord({ ...at, ...key, swapHead })
    })
    return { space, member }
  })

  procedure(mount, co.kendev.spaces.transferOwnership, async ({ input, viewer }) => {
    const { space, member } = input
    const deps = acting(viewer.did, co.kendev.spaces.transferOwnership.$lxm)
    const at = await recordsOf(deps, space, viewer.did)
    await decide(deps, at, async (swapHead) => {
      const puts = await handedOver(deps, { space, member, did: viewer.did })
      return deps.writer.putAll({ ...at, puts, swapHead })
    })
    return (await membershipView(deps, { space, did: member, viewer: viewer.did })) as never
  })
}

/** The repo of the memberships of a space. Throws `NotFound` for one that is not here, or that the
 *  viewer may not see. */
async function recordsOf({ sql, isHosted }: Deps, space: string, viewer: string) {
  const { place } = await requireSpace(sql, space, viewer)
  if (!(await isHosted(space))) throw notFound(`repo of ${space}`)
  return { did: space, place }
}

type Change = { role?: string; permissions?: string[]; status?: string }

const isBarring = (status: string | undefined) => status === 'suspended' || status === 'banned'

/** The membership as it is to be. */
function changed({ clock }: Deps, managed: Managed, change: Change): Record<string, unknown> {
  requireGivable(managed.standing, change, managed.row.place)
  const updatedAt = clock.now().toISOString()
  return { ...recordOf(managed.row), ...change, updatedAt }
}

/** Both memberships as they are once the space is handed over. */
async function handedOver({ sql, clock }: Deps, { space, member, did }: Asks) {
  const asks = { space, did, permission: 'manage_space' } as const
  const { standing } = await requirePermission(sql, asks)
  if (standing.role !== 'owner') throw forbidden('Only its owner hands a space over.')
  if (member === did) throw forbidden('You own this space already. Name somebody else.')
  const heir = await standingIn(sql, space, member)
  if (heir?.status !== 'active') throw notFound(`active member ${member}`)
  const [from, to] = await Promise.all([did, member].map((who) => membershipRow(sql, space, who)))
  const updatedAt = clock.now().toISOString()
  return [
    putOf(did, { ...recordOf(from!), role: 'space_admin', updatedAt }),
    putOf(member, { ...recordOf(to!), role: 'owner', updatedAt }),
  ]
}

const putOf = (rkey: string, record: Record<string, unknown>) => ({
  collection: membership.nsid,
  rkey,
  record,
})

type Asks = { space: string; member: string; did: string }
