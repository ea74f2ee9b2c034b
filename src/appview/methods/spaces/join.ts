import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { membershipRequest } from '../../collections/spaces/membership-request.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { decide } from '../../decide.ts'
import { useInvitation } from '../../invitation.ts'
import { requireSpace, standingIn } from '../../membership.ts'
import { type OwnRecords, type Written, deleteOwn, putOwn } from '../../own-record.ts'
import { readReference } from '../../reference.ts'
import { restrictionOf, withdraw } from '../../restrict.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { membershipView } from './membership-view.ts'
import { tellManagers } from './tell-space.ts'
import { type Asks, type Way, wayIn } from './way-in.ts'

type Deps = Reading &
  OwnRecords & {
    readonly clock: Clock
    readonly outbox: Outbox
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
    const { did } = viewer
    const asks: Asks = { space, did, ...(inviteToken !== undefined && { inviteToken }) }
    const { before, place, step } = await wayIn(deps, asks)
    if (uri !== undefined && readReference(uri)?.rkey !== space)
      throw new InvalidRequestError(`${uri} asks for another space.`, 'AnnouncedRecordMismatch')
    const record = {
      $type: collection,
      space,
      ...(message === undefined ? {} : { message }),
      createdAt: clock.now().toISOString(),
    }
    // First admitted: nobody else may write into what is not public.
    if (place !== '' && step === 'admit') await admit(deps, asks, place)
    const waits = step === 'ask' && before?.status === 'pending'
    if ((before?.status !== 'active' && !waits) || uri !== undefined) {
      const wish = { viewer, collection, uri, cid, place }
      const asked = await putOwn(deps, wish, { rkey: space, record })
      if (step === 'ask') await tellManagers(deps, { space, who: did, key: asked.cid })
    }
    if (place === '' && step === 'admit') await admit(deps, asks, place)
    return (await membershipView(deps, { space, did, viewer: did })) as never
  })

  procedure(mount, co.kendev.spaces.leave, async ({ input, viewer }) => {
    const { space, uri } = input
    const { did } = viewer
    const { place } = await requireSpace(sql, space, did)
    const standing = await standingIn(sql, space, did)
    if (!standing || (standing.status === 'left' && uri === undefined))
      throw new InvalidRequestError('You are not a member of this space.', 'NotAMember')
    if (standing.role === 'owner')
      throw new InvalidRequestError(
        'The owner cannot leave. Hand the space over with transferOwnership first.',
        'OwnerCannotLeave',
      )
    const rkey = viewer.kind === 'local' || place !== '' ? { rkey: space } : {}
    // Whoever leaves reads nothing any more that is not public, credentials included.
    if (place !== '') await withdraw(deps, { space, did })
    else if (await deps.isHosted(space)) await becomeMember(deps, { space, did })
    await deleteOwn(deps, { viewer, collection, uri, place, ...rkey })
    const left = { space, subject: did, status: 'left' }
    // Who only asked, and has taken that back, has nothing to do with the space any more.
    if (place !== '' || !(await standingIn(sql, space, did))) return left as never
    return (await membershipView(deps, { space, did, viewer: did })) as never
  })

  query(mount, co.kendev.spaces.getMembership, async ({ params, viewer }) => {
    const { space, member } = params
    await requireSpace(sql, space, viewer?.did)
    return (await membershipView(deps, { space, did: member, viewer: viewer?.did })) as never
  })
}

/** Admits somebody, if that is still what is to be done when the space's repo is written. Throws
 *  what `wayIn` throws, and `Banned` for who was barred meanwhile. */
async function admit(deps: Deps, asks: Asks, place: string): Promise<void> {
  const { space, did } = asks
  await decide(deps, { did: space, place }, async (swapHead) => {
    const way = await wayIn(deps, asks)
    return way.step === 'admit' ? admission(deps, asks, way, swapHead) : nothingWritten(space)
  })
  if (await outIfBarred(deps, { space, did }))
    throw new ForbiddenError('You are banned from this space. Its people can lift that.', 'Banned')
}

/** Withdraws a membership written while its holder was barred; whether it was. */
async function outIfBarred(deps: Deps, who: { space: string; did: string }): Promise<boolean> {
  const kept = await restrictionOf(deps.sql, who.space, who.did)
  if (!kept || kept.status === 'declined') return false
  await withdraw(deps, who)
  return true
}

async function admission(
  { sql, clock, writer }: Deps,
  { space, did }: Asks,
  { place, role, invitation }: Way,
  swapHead: string,
): Promise<Written> {
  const now = clock.now()
  if (invitation) await useInvitation(sql, invitation, { did, now })
  const invitedBy = invitation && place !== '' ? { invitedBy: invitation.createdBy } : {}
  const record = { subject: did, role, joinedAt: now.toISOString(), ...invitedBy }
  const put = { collection: membership.nsid, rkey: did }
  const puts = [{ ...put, record: { $type: membership.nsid, ...record } }]
  return writer.putAll({ did: space, place, puts, swapHead })
}

/** What a decision comes to that changes nothing. */
export function nothingWritten(did: string): Written {
  return { did, rev: '', results: [] }
}

/** Whoever leaves a public space keeps no rights in it. */
async function becomeMember(deps: Deps, who: { space: string; did: string }): Promise<void> {
  const { sql, clock, writer } = deps
  const { space, did } = who
  await decide(deps, { did: space, place: '' }, async (swapHead) => {
    const standing = await standingIn(sql, space, did)
    if (standing?.status !== 'active' || standing.role === 'member') return nothingWritten(space)
    const joinedAt = clock.now().toISOString()
    const record = { $type: membership.nsid, subject: did, role: 'member', joinedAt }
    const puts = [{ collection: membership.nsid, rkey: did, record }]
    return writer.putAll({ did: space, puts, swapHead })
  })
  await outIfBarred(deps, who)
}
