import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { checkRecord } from '../../check-record.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { decide } from '../../decide.ts'
import type { Row } from '../../define.ts'
import { type Standing, requirePermission, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import type { RepoWriter } from '../../own-record.ts'
import { allows, outranks } from '../../permissions.ts'
import type { Progress } from '../../progress.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { membershipView } from './join.ts'

type Deps = Reading & {
  readonly writer: RepoWriter
  readonly progress: Progress
  readonly isHosted: (did: string) => Promise<boolean>
}

/** `spaces.updateMember` and `spaces.removeMember`, for those who manage members, about members of
 *  lesser roles, and `spaces.transferOwnership`, for the owner. The space's records change together
 *  with who is given credentials, so that what a member could read ends with the answer, and only
 *  while they are what was decided by. */
export function updateMember(mount: Mount, deps: Deps): void {
  const { writer } = deps

  procedure(mount, co.kendev.spaces.updateMember, async ({ input, viewer }) => {
    const { space, member, ...change } = input
    const at = await recordsOf(deps, space, viewer.did)
    await decide(deps, at, async (swapHead) => {
      const managed = await manage(deps, { space, member, did: viewer.did })
      const record = changed(managed, change)
      checkRecord({ ...at, collection: membership.nsid, rkey: member }, record)
      return writer.putAll({ ...at, puts: [putOf(member, record)], swapHead })
    })
    return (await membershipView(deps, space, member)) as never
  })

  procedure(mount, co.kendev.spaces.removeMember, async ({ input, viewer }) => {
    const { space, member } = input
    const at = await recordsOf(deps, space, viewer.did)
    await decide(deps, at, async (swapHead) => {
      await manage(deps, { space, member, did: viewer.did })
      return writer.deleteRecord({ ...at, collection: membership.nsid, rkey: member, swapHead })
    })
    return { space, member }
  })

  procedure(mount, co.kendev.spaces.transferOwnership, async ({ input, viewer }) => {
    const { space, member } = input
    const at = await recordsOf(deps, space, viewer.did)
    await decide(deps, at, async (swapHead) => {
      const puts = await handedOver(deps, { space, member, did: viewer.did })
      return writer.putAll({ ...at, puts, swapHead })
    })
    return (await membershipView(deps, space, member)) as never
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

/** The membership as it is to be. Nobody gives more than they have. */
function changed({ row, standing }: Managed, change: Change): Record<string, unknown> {
  if (change.role !== undefined && !outranks(standing.role, change.role))
    throw forbidden(`A ${standing.role} cannot make somebody ${change.role}.`)
  const more = (change.permissions ?? []).find((one) => !allows(standing, one as never))
  if (more !== undefined) throw forbidden(`You cannot grant ${more}, which you do not have.`)
  if (row.place === '' && (change.permissions ?? change.status) !== undefined)
    throw new InvalidRequestError(
      'Memberships of a public space are public: they hold no grants and no suspension.',
      'NotSupported',
    )
  return { ...recordOf(row), ...change }
}

/** Both memberships as they are once the space is handed over. */
async function handedOver({ sql }: Deps, { space, member, did }: Asks) {
  const asks = { space, did, permission: 'manage_space' } as const
  const { standing } = await requirePermission(sql, asks)
  if (standing.role !== 'owner') throw forbidden('Only its owner hands a space over.')
  if (member === did) throw forbidden('You own this space already. Name somebody else.')
  const heir = await standingIn(sql, space, member)
  if (heir?.status !== 'active') throw notFound(`active member ${member}`)
  const [from, to] = await Promise.all([did, member].map((who) => rowOf(sql, space, who)))
  return [
    putOf(did, { ...recordOf(from!), role: 'space_admin' }),
    putOf(member, { ...recordOf(to!), role: 'owner' }),
  ]
}

const putOf = (rkey: string, record: Record<string, unknown>) => ({
  collection: membership.nsid,
  rkey,
  record,
})

/** A membership's record, as its row has it. */
function recordOf(row: Row): Record<string, unknown> {
  const { place, subject, role, status, permissions, invitedBy, joinedAt } = row
  const closed = { status, permissions, ...(invitedBy === null ? {} : { invitedBy }) }
  return {
    $type: membership.nsid,
    subject,
    role,
    joinedAt: (joinedAt as Date).toISOString(),
    ...(place === '' ? {} : closed),
  }
}

async function rowOf(sql: Reading['sql'], space: string, member: string): Promise<Row> {
  const { rows } = await sql.query<Row>('select * from appview.membership where uri = $1', [
    recordUri(space, membership.nsid, member),
  ])
  if (!rows[0]) throw notFound(`membership of ${member}`)
  return rows[0]
}

type Asks = { space: string; member: string; did: string }
type Managed = { row: Row; standing: Standing }

/** The membership to be changed. Throws `LastOwner` for the owner's, `Forbidden` for the caller's
 *  own and for those of the same or a higher role. */
async function manage({ sql }: Deps, { space, member, did }: Asks): Promise<Managed> {
  const asks = { space, did, permission: 'manage_members' } as const
  const { standing } = await requirePermission(sql, asks)
  const row = await rowOf(sql, space, member)
  if (row['role'] === 'owner')
    throw new InvalidRequestError(
      'A space is never without its owner. Have the owner hand it over first.',
      'LastOwner',
    )
  if (member === did || !outranks(standing.role, String(row['role'])))
    throw forbidden(`A ${standing.role} does not decide about this member.`)
  return { row, standing }
}

/** What somebody may not do, and why. */
export function forbidden(message: string): ForbiddenError {
  return new ForbiddenError(message, 'Forbidden')
}
