import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { membershipRequest } from '../../collections/spaces/membership-request.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { present } from '../../look.ts'
import { type Standing, requireSpace, standingIn } from '../../membership.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { readReference, recordUri } from '../../reference.ts'
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
  const { sql, clock } = deps
  const collection = membershipRequest.nsid

  procedure(mount, co.kendev.spaces.join, async ({ input, viewer }) => {
    const { space, message, uri, cid } = input
    const before = await requireOpen(deps, space, viewer.did)
    if (uri !== undefined && readReference(uri)?.rkey !== space)
      throw new InvalidRequestError(`${uri} asks for another space.`, 'AnnouncedRecordMismatch')
    const record = {
      $type: collection,
      space,
      ...(message === undefined ? {} : { message }),
      createdAt: clock.now().toISOString(),
    }
    if (before?.status !== 'active' || uri !== undefined)
      await putOwn(deps, { viewer, collection, uri, cid }, { rkey: space, record })
    // Who comes back begins as a member again, whatever they were.
    if (before?.status !== 'active' && !(before?.status === 'left' && before.role === 'member'))
      await admit(deps, space, viewer.did)
    return (await membershipView(deps, space, viewer.did)) as never
  })

  procedure(mount, co.kendev.spaces.leave, async ({ input, viewer }) => {
    const { space, uri } = input
    await requireSpace(sql, space)
    const standing = await standingIn(sql, space, viewer.did)
    if (!standing || (standing.status === 'left' && uri === undefined))
      throw new InvalidRequestError('You are not a member of this space.', 'NotAMember')
    if (standing.role === 'owner')
      throw new InvalidRequestError(
        'The owner cannot leave, and this node cannot hand a space over yet.',
        'OwnerCannotLeave',
      )
    const rkey = viewer.kind === 'local' ? { rkey: space } : {}
    await deleteOwn(deps, { viewer, collection, uri, ...rkey })
    return (await membershipView(deps, space, viewer.did)) as never
  })

  query(mount, co.kendev.spaces.getMembership, async ({ params }) => {
    await requireSpace(sql, params.space)
    return (await membershipView(deps, params.space, params.member)) as never
  })
}

/** Where the person stands before joining. Throws `NotFound` unless the space's repo is here to
 *  admit them, and `JoinClosed` where it does not take members in by itself. */
async function requireOpen(
  { sql, isHosted }: Deps,
  space: string,
  did: string,
): Promise<Standing | undefined> {
  const { memberApproval } = await requireSpace(sql, space)
  if (!(await isHosted(space)))
    throw new InvalidRequestError(`${space} is hosted on another node. Join there.`, 'NotFound')
  const standing = await standingIn(sql, space, did)
  if (memberApproval !== 'automatic' && (standing?.status ?? 'pending') === 'pending')
    throw new ForbiddenError('This space does not take members in by itself.', 'JoinClosed')
  return standing
}

async function admit({ clock, writer, progress }: Deps, space: string, did: string): Promise<void> {
  const joinedAt = clock.now().toISOString()
  const record = { $type: membership.nsid, subject: did, role: 'member', joinedAt }
  const at = { did: space, collection: membership.nsid, rkey: did }
  const { rev } = await writer.putRecord({ ...at, record })
  await progress.reached(space, rev)
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
