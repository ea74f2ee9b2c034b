import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { audienceUri } from '../../../permissioned/audience.ts'
import { membershipRequest } from '../../collections/spaces/membership-request.ts'
import { membership } from '../../collections/spaces/membership.ts'
import type { Row } from '../../define.ts'
import { type Invitation, findInvitation, useInvitation } from '../../invitation.ts'
import { present } from '../../look.ts'
import { type Standing, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { readReference, recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'

type Deps = Reading &
  OwnRecords & {
    readonly clock: Clock
    /** Whether the account's repo is on this node. */
    readonly isHosted: (did: string) => Promise<boolean>
  }

/** `spaces.join`, `spaces.leave` and `spaces.getMembership`. Joining takes two records: the
 *  member's request and the space's admission; leaving takes back the first. What is not public is
 *  joined by invitation only, and until then there is nothing here for whoever asks. */
export function join(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps
  const collection = membershipRequest.nsid

  procedure(mount, co.kendev.spaces.join, async ({ input, viewer }) => {
    const { space, message, uri, cid, inviteToken } = input
    const way = await wayIn(deps, { space, did: viewer.did, inviteToken })
    const { before, place, invitation } = way
    if (uri !== undefined && readReference(uri)?.rkey !== space)
      throw new InvalidRequestError(`${uri} asks for another space.`, 'AnnouncedRecordMismatch')
    const record = {
      $type: collection,
      space,
      ...(message === undefined ? {} : { message }),
      createdAt: clock.now().toISOString(),
    }
    const isIn = before?.status === 'active'
    // First admitted: nobody else may write into what is not public.
    const role = invitation?.role ?? 'member'
    const again = before?.status === 'left' && before.role === role
    // Who comes back begins as a member again, whatever they were.
    const admits = () => admit(deps, { space, did: viewer.did, place, role, invitation })
    if (place !== '' && !isIn && !again) await admits()
    if (!isIn || uri !== undefined)
      await putOwn(deps, { viewer, collection, uri, cid, place }, { rkey: space, record })
    if (place === '' && !isIn && !again) await admits()
    return (await membershipView(deps, space, viewer.did)) as never
  })

  procedure(mount, co.kendev.spaces.leave, async ({ input, viewer }) => {
    const { space, uri } = input
    const { place } = await requireSpace(sql, space, viewer.did)
    const standing = await standingIn(sql, space, viewer.did)
    if (!standing || (standing.status === 'left' && uri === undefined))
      throw new InvalidRequestError('You are not a member of this space.', 'NotAMember')
    if (standing.role === 'owner')
      throw new InvalidRequestError(
        'The owner cannot leave. Hand the space over with transferOwnership first.',
        'OwnerCannotLeave',
      )
    const rkey = viewer.kind === 'local' || place !== '' ? { rkey: space } : {}
    // Whoever leaves reads nothing any more that is not public, credentials included.
    if (place !== '') await dismiss(deps, { space, did: viewer.did, place })
    else if (standing.role !== 'member' && (await deps.isHosted(space)))
      await admit(deps, { space, did: viewer.did, place, role: 'member' })
    await deleteOwn(deps, { viewer, collection, uri, place, ...rkey })
    if (place !== '') return { space, subject: viewer.did, status: 'left' } as never
    return (await membershipView(deps, space, viewer.did)) as never
  })

  query(mount, co.kendev.spaces.getMembership, async ({ params, viewer }) => {
    const { space, member } = params
    await requireSpace(sql, space, viewer?.did)
    return (await membershipView(deps, space, member)) as never
  })
}

type Way = {
  readonly before: Standing | undefined
  /** Where both records of the membership stand. */
  readonly place: string
  readonly invitation?: Invitation
}

/** How the person gets in. Throws `NotFound` unless the space's repo is here to admit them, and
 *  they may see the space or hold an invitation to it; `JoinClosed` where it does not take members
 *  in by itself; `InvalidInvitation`. */
async function wayIn(
  { sql, isHosted, clock }: Deps,
  asks: { space: string; did: string; inviteToken: string | undefined },
): Promise<Way> {
  const { space, did, inviteToken } = asks
  const before = await standingIn(sql, space, did)
  if (before?.status === 'banned')
    throw new ForbiddenError('You are banned from this space. Its people can lift that.', 'Banned')
  if (before?.status === 'suspended')
    throw new ForbiddenError('The space has suspended this membership.', 'JoinClosed')
  if (inviteToken !== undefined) {
    const invitation = await findInvitation(sql, { space, token: inviteToken, did, clock })
    if (!(await isHosted(space))) throw notFound(`space ${space}`)
    const { rows } = await sql.query<{ place: string }>(
      'select place from appview.space where did = $1',
      [space],
    )
    if (!rows[0]) throw notFound(`space ${space}`)
    return { before, place: rows[0].place, invitation }
  }
  if (before?.status === 'left' && (await isClosed(sql, space)))
    return { before, place: audienceUri(space, 'members') }
  const { memberApproval, place } = await requireSpace(sql, space, did)
  if (!(await isHosted(space)))
    throw new InvalidRequestError(`${space} is hosted on another node. Join there.`, 'NotFound')
  if (memberApproval !== 'automatic' && (before?.status ?? 'pending') === 'pending')
    throw new ForbiddenError('This space does not take members in by itself.', 'JoinClosed')
  return { before, place }
}

async function isClosed(sql: Reading['sql'], space: string): Promise<boolean> {
  const { rows } = await sql.query(`select 1 from appview.space where did = $1 and place <> ''`, [
    space,
  ])
  return rows.length > 0
}

async function admit(
  { sql, clock, writer, progress }: Deps,
  who: { space: string; did: string; place: string; role: string; invitation?: Invitation },
): Promise<void> {
  const { space, did, place, role, invitation } = who
  const joinedAt = clock.now().toISOString()
  const invitedBy = invitation && place !== '' ? { invitedBy: invitation.createdBy } : {}
  const record = { $type: membership.nsid, subject: did, role, joinedAt, ...invitedBy }
  if (invitation) await useInvitation(sql, invitation, { did, now: clock.now() })
  const { rev } = await writer.putRecord({
    did: space,
    collection: membership.nsid,
    rkey: did,
    place,
    record,
  })
  await progress.reached(space, rev, place)
}

async function dismiss(
  { writer, progress }: Deps,
  { space, did, place }: { space: string; did: string; place: string },
): Promise<void> {
  const at = { did: space, collection: membership.nsid, rkey: did, place }
  const { rev } = await writer.deleteRecord(at)
  await progress.reached(space, rev, place)
}

/** A membership, shown also when only one of its two records is there. */
export async function membershipView({ sql, origin }: Reading, space: string, did: string) {
  const standing = await standingIn(sql, space, did)
  if (!standing) throw notFound(`membership of ${did}`)
  if (standing.status === 'pending') return { space, subject: did, status: standing.status }
  const { rows } = await sql.query<Row>('select * from appview.membership where uri = $1', [
    recordUri(space, membership.nsid, did),
  ])
  return (await present(membership, rows, { sql, origin, viewer: did }))[0]
}
