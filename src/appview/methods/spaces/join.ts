import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { membershipRequest } from '../../collections/spaces/membership-request.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { present } from '../../look.ts'
import { requireSpace, standingIn } from '../../membership.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, notFound, procedure, query } from '../../serve.ts'
import type { Row } from '../../define.ts'

type Deps = Reading &
  OwnRecords & {
    readonly clock: Clock
    /** Whether the account's repo is on this node. */
    readonly isHosted: (did: string) => Promise<boolean>
  }

/** `spaces.join`, `spaces.leave` and `spaces.getMembership`. Joining takes two records: the
 *  member's request and the space's admission; leaving takes back the first. */
export function join(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, writer, progress } = deps
  const view = (space: string, did: string) => membershipView({ sql, origin }, space, did)

  procedure(mount, co.kendev.spaces.join, async ({ input, viewer }) => {
    const { space, message, uri, cid } = input
    const { memberApproval } = await requireSpace(sql, space)
    if (!(await deps.isHosted(space)))
      throw new InvalidRequestError(`${space} is hosted on another node. Join there.`, 'NotFound')
    const before = await standingIn(sql, space, viewer.did)
    if (memberApproval !== 'automatic' && (before?.status ?? 'pending') === 'pending')
      throw new ForbiddenError('This space does not take members in by itself.', 'JoinClosed')
    const record = {
      $type: membershipRequest.nsid,
      space,
      ...(message === undefined ? {} : { message }),
      createdAt: clock.now().toISOString(),
    }
    if (before?.status !== 'active' || uri !== undefined)
      await putOwn(
        deps,
        { viewer, collection: membershipRequest.nsid, uri, cid },
        { rkey: space, record },
      )
    if (before === undefined || before.status === 'pending') await admit(space, viewer.did)
    return (await view(space, viewer.did)) as never
  })

  procedure(mount, co.kendev.spaces.leave, async ({ input, viewer }) => {
    const { space, uri } = input
    await requireSpace(sql, space)
    const standing = await standingIn(sql, space, viewer.did)
    if (!standing || (standing.status === 'left' && uri === undefined))
      throw new InvalidRequestError('You are not a member of this space.', 'NotAMember')
    if (standing.role === 'owner')
      throw new InvalidRequestError(
        'The owner cannot leave. Hand the space over to another member first.',
        'OwnerCannotLeave',
      )
    await deleteOwn(deps, {
      viewer,
      collection: membershipRequest.nsid,
      uri,
      ...(viewer.kind === 'local' ? { rkey: space } : {}),
    })
    return (await view(space, viewer.did)) as never
  })

  query(mount, co.kendev.spaces.getMembership, async ({ params }) => {
    await requireSpace(sql, params.space)
    return (await view(params.space, params.member)) as never
  })

  async function admit(space: string, did: string): Promise<void> {
    const record = {
      $type: membership.nsid,
      subject: did,
      role: 'member',
      joinedAt: clock.now().toISOString(),
    }
    const written = await writer.putRecord({
      did: space,
      collection: membership.nsid,
      rkey: did,
      record,
    })
    await progress.reached(space, written.rev)
  }
}

/** A membership, shown also when only one of its two records is there. */
async function membershipView({ sql, origin }: Reading, space: string, did: string) {
  const standing = await standingIn(sql, space, did)
  if (!standing) throw notFound(`membership of ${did}`)
  if (standing.status === 'pending') return { space, subject: did, status: standing.status }
  const { rows } = await sql.query<Row>('select * from appview.membership where uri = $1', [
    recordUri(space, membership.nsid, did),
  ])
  return (await present(membership, rows, { sql, origin }))[0]
}
