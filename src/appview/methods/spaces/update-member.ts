import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { checkRecord } from '../../check-record.ts'
import { membership } from '../../collections/spaces/membership.ts'
import type { Row } from '../../define.ts'
import { type SeenSpace, type Standing, requirePermission } from '../../membership.ts'
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
 *  lesser roles. The space's record changes together with who is given credentials, so that what
 *  the member could read ends with the answer. */
export function updateMember(mount: Mount, deps: Deps): void {
  const { writer, progress } = deps

  procedure(mount, co.kendev.spaces.updateMember, async ({ input, viewer }) => {
    const { space, member, ...change } = input
    const { row, place, standing } = await manage(deps, { space, member, did: viewer.did })
    if (change.role !== undefined && !outranks(standing.role, change.role))
      throw forbidden(`A ${standing.role} cannot make somebody ${change.role}.`)
    const more = (change.permissions ?? []).find((one) => !allows(standing, one as never))
    if (more !== undefined) throw forbidden(`You cannot grant ${more}, which you do not have.`)
    if (place === '' && (change.permissions ?? change.status) !== undefined)
      throw new InvalidRequestError(
        'Memberships of a public space are public: they hold no grants and no suspension.',
        'NotSupported',
      )
    const { role, status, permissions, invitedBy, joinedAt } = row
    const closed = { status, permissions, ...(invitedBy === null ? {} : { invitedBy }) }
    const record = {
      $type: membership.nsid,
      subject: member,
      role,
      joinedAt: (joinedAt as Date).toISOString(),
      ...(place === '' ? {} : closed),
      ...change,
    }
    const at = { did: space, collection: membership.nsid, rkey: member, place, record }
    checkRecord(at, record)
    const { rev } = await writer.putRecord(at)
    await progress.reached(space, rev, place)
    return (await membershipView(deps, space, member)) as never
  })

  procedure(mount, co.kendev.spaces.removeMember, async ({ input, viewer }) => {
    const { space, member } = input
    const { place } = await manage(deps, { space, member, did: viewer.did })
    const at = { did: space, collection: membership.nsid, rkey: member, place }
    const { rev } = await writer.deleteRecord(at)
    await progress.reached(space, rev, place)
    return { space, member }
  })
}

type Asks = { space: string; member: string; did: string }
type Managed = { row: Row; place: SeenSpace['place']; standing: Standing }

/** The membership to be changed. Throws `LastOwner` for the owner's, `Forbidden` for the caller's
 *  own and for those of the same or a higher role. */
async function manage({ sql, isHosted }: Deps, { space, member, did }: Asks): Promise<Managed> {
  const asks = { space, did, permission: 'manage_members' } as const
  const { standing } = await requirePermission(sql, asks)
  if (!(await isHosted(space))) throw notFound(`repo of ${space}`)
  const { rows } = await sql.query<Row>('select * from appview.membership where uri = $1', [
    recordUri(space, membership.nsid, member),
  ])
  const row = rows[0]
  if (!row) throw notFound(`membership of ${member}`)
  if (row['role'] === 'owner')
    throw new InvalidRequestError('A space is never without its owner.', 'LastOwner')
  if (member === did || !outranks(standing.role, String(row['role'])))
    throw forbidden(`A ${standing.role} does not decide about this member.`)
  return { row, place: row.place, standing }
}

/** What somebody may not do, and why. */
export function forbidden(message: string): ForbiddenError {
  return new ForbiddenError(message, 'Forbidden')
}
