import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { checkRecord } from '../../check-record.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { decide } from '../../decide.ts'
import type { Row } from '../../define.ts'
import { moveOf } from '../../machine.ts'
import { memberMachine } from '../../member-machine.ts'
import { type Standing, requirePermission, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { allows, outranks } from '../../permissions.ts'
import {
  type Kept,
  type Restricting,
  dropRestriction,
  putRestriction,
  restrictionOf,
  withdraw,
} from '../../restrict.ts'
import type { Reading } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { nothingWritten } from './join.ts'
import { membershipRow } from './membership-view.ts'
import { tellDecision } from './tell-space.ts'

/** What deciding how members stand needs. */
export type Standings = Reading & Restricting & { readonly clock: Clock; readonly outbox: Outbox }

/** Whose standing is decided about, and who decides. */
export type Decided = { readonly space: string; readonly did: string; readonly viewer: string }

type Change = {
  readonly role?: string
  readonly permissions?: readonly string[]
  readonly status?: string
  readonly reason?: string | undefined
  readonly place: string
}

/** Suspends or bans somebody, or lets them in again as they were. Throws `InvalidTransition` for
 *  what SM-10 does not know, `NotFound` for suspending who is no member. */
export async function setStanding(deps: Standings, who: Decided, change: Change): Promise<void> {
  const { space, did, viewer } = who
  const kept = await barredBy(deps.sql, space, did)
  requireGivable(await requireManager(deps, space, viewer), change, change.place)
  if (kept) await requireAbove(deps, who, kept)
  const to = change.status ?? kept?.status
  if (kept) moveOf(memberMachine, kept, { to: String(to) })
  const was = kept ? kept.membership : await takeOut(deps, who, change)
  const now = deps.clock.now().toISOString()
  const changed = was && { ...was, ...given(change) }
  if (to === 'active') await letIn(deps, who, { ...change, was: changed, now })
  else {
    const reason = change.reason ?? kept?.content['reason']
    const why = reason === undefined ? {} : { reason }
    const before = kept ?? (await restrictionOf(deps.sql, space, did))
    const createdAt = kept?.content['createdAt'] ?? now
    const left = changed && { membership: changed }
    const said = { status: to, ...why, ...left, createdAt, updatedAt: now }
    await putRestriction(deps, { space, did, before }, said)
    await withdraw(deps, { space, did })
  }
  if (to === kept?.status) return
  const data = { status: String(to), reason: change.reason ?? '' }
  const told = { kind: 'spaceStandingChanged', space, recipient: did, data } as const
  await tellDecision(deps, { ...told, key: `${space} ${to} ${now}` })
}

/** Ends a suspension or a ban without letting the person in: they may ask again. Whether there was
 *  one. */
export async function pardon(deps: Standings, who: Decided): Promise<boolean> {
  const { space, did } = who
  const kept = await barredBy(deps.sql, space, did)
  if (!kept) return false
  await requireAbove(deps, who, kept)
  await dropRestriction(deps, { space, did })
  return true
}

/** What suspends or bans somebody, if anything. */
export async function barredBy(sql: Sql, space: string, did: string): Promise<Kept | undefined> {
  const kept = await restrictionOf(sql, space, did)
  return kept?.status === 'declined' ? undefined : kept
}

/** Withdraws the membership of who is to be kept out, and answers it; nothing for who has none. */
async function takeOut(
  deps: Standings,
  { space, did, viewer }: Decided,
  { status, place }: Change,
): Promise<Kept['membership']> {
  const { sql, writer } = deps
  let was: Kept['membership']
  await decide(deps, { did: space, place }, async (swapHead) => {
    const standing = await standingIn(sql, space, did)
    const row = await membershipRow(sql, space, did)
    if (!row) {
      await requireManager(deps, space, viewer)
      if (status !== 'banned') throw notFound(`membership of ${did}`)
      return nothingWritten(space)
    }
    const managed = await manage(deps, { space, member: did, did: viewer })
    moveOf(memberMachine, standing ?? { status: 'left' }, { to: String(status) })
    const { role, joinedAt, permissions, invitedBy } = recordOf(managed.row)
    was = {
      role,
      joinedAt,
      ...(permissions ? { permissions } : {}),
      ...(invitedBy ? { invitedBy } : {}),
    }
    return writer.deleteRecord({
      did: space,
      place,
      collection: membership.nsid,
      rkey: did,
      swapHead,
    })
  })
  return was
}

/** The membership comes back before the restriction ends: a stop in between keeps them out. */
async function letIn(
  deps: Standings,
  { space, did }: Decided,
  { was, place, now }: { was: Kept['membership']; place: string; now: string },
): Promise<void> {
  if (was) {
    const record = { $type: membership.nsid, subject: did, ...was, updatedAt: now }
    const at = { did: space, collection: membership.nsid, rkey: did, place }
    checkRecord(at, record)
    const { rev } = await deps.writer.putRecord({ ...at, record })
    await deps.progress.reached(space, rev, place)
  }
  await dropRestriction(deps, { space, did })
}

function given({ role, permissions }: Change) {
  return { ...(role !== undefined && { role }), ...(permissions && { permissions }) }
}

async function requireManager({ sql }: Standings, space: string, did: string): Promise<Standing> {
  const asks = { space, did, permission: 'manage_members' } as const
  return (await requirePermission(sql, asks)).standing
}

/** Throws `Forbidden` unless who decides is above what the person was. */
async function requireAbove(deps: Standings, { space, viewer }: Decided, kept: Kept) {
  const standing = await requireManager(deps, space, viewer)
  const role = kept.membership?.['role'] as string | undefined
  if (role !== undefined && !outranks(standing.role, role))
    throw forbidden(`A ${standing.role} does not decide about this member.`)
}

/** Throws `Forbidden` for more than the person has who gives it, and `NotSupported` for grants in a
 *  membership that everybody reads. */
export function requireGivable(
  standing: Standing,
  { role, permissions = [] }: { role?: string; permissions?: readonly string[] },
  place: string,
): void {
  if (role !== undefined && !outranks(standing.role, role))
    throw forbidden(`A ${standing.role} cannot make somebody ${role}.`)
  const more = permissions.find((one) => !allows(standing, one as never))
  if (more !== undefined) throw forbidden(`You cannot grant ${more}, which you do not have.`)
  if (place === '' && permissions.length > 0)
    throw new InvalidRequestError(
      'Memberships of a public space are public: they hold no grants.',
      'NotSupported',
    )
}

/** A membership's record, as its row has it. */
export function recordOf(row: Row): Record<string, unknown> {
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

/** A membership, and how whoever changes it stands. */
export type Managed = { readonly row: Row; readonly standing: Standing }

/** The membership to be changed. Throws `LastOwner` for the owner's, `Forbidden` for the caller's
 *  own and for those of the same or a higher role. */
export async function manage(
  { sql }: Pick<Standings, 'sql'>,
  { space, member, did }: { space: string; member: string; did: string },
): Promise<Managed> {
  const asks = { space, did, permission: 'manage_members' } as const
  const { standing } = await requirePermission(sql, asks)
  const row = await membershipRow(sql, space, member)
  if (!row) throw notFound(`membership of ${member}`)
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
