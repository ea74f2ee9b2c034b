import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { type Auditing, auditedWriter } from '../../audited-writer.ts'
import { membershipRequest } from '../../collections/spaces/membership-request.ts'
import { membership } from '../../collections/spaces/membership.ts'
import { decide } from '../../decide.ts'
import { moveOf } from '../../machine.ts'
import { requestMachine } from '../../member-machine.ts'
import { requirePermission, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { recordUri } from '../../reference.ts'
import {
  type Restricting,
  changedMeanwhile,
  dropRestriction,
  putRestriction,
  restrictionOf,
} from '../../restrict.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { nothingWritten } from './join.ts'
import { membershipView } from './membership-view.ts'
import { tellDecision } from './tell-space.ts'

type Deps = Reading &
  Auditing &
  Restricting & {
    readonly clock: Clock
    readonly outbox: Outbox
    readonly isHosted: (did: string) => Promise<boolean>
  }
type Asked = { space: string; did: string; viewer: string }

/** `spaces.decideRequest`, for those who manage members. An approval is a membership, which all may
 *  see; who was declined is known to the staff and to them. */
export function decideRequest(mount: Mount, parts: Deps): void {
  const { sql } = parts

  procedure(mount, co.kendev.spaces.decideRequest, async ({ input, viewer }) => {
    const { space, member: did, decision, reason } = input
    if (decision !== 'approve' && decision !== 'decline')
      throw new InvalidRequestError('decision is approve or decline.', 'InvalidRecord')
    const why = reason === undefined ? {} : { reason }
    const by = { actor: viewer.did, action: co.kendev.spaces.decideRequest.$lxm, ...why }
    const deps = { ...parts, writer: auditedWriter(parts, by) }
    const asked = { space, did, viewer: viewer.did }
    const { place } = await requireSpace(sql, space, viewer.did)
    if (!(await deps.isHosted(space))) throw notFound(`repo of ${space}`)
    const approved = decision === 'approve'
    const moved = approved
      ? await approve(deps, asked, place)
      : await decline(deps, asked, { place, reason })
    const words = { decision: approved ? 'approved' : 'declined', reason: reason ?? '' }
    const told = { kind: 'joinDecided', space, recipient: did, data: words } as const
    if (moved) await tellDecision(deps, { ...told, key: `${space} ${moved} ${decision}` })
    return (await membershipView(deps, asked)) as never
  })
}

/** Each answers with the version of the request decided on; undefined for one decided already. */
async function approve(deps: Deps, asked: Asked, place: string): Promise<string | undefined> {
  const { writer, clock } = deps
  const { space, did } = asked
  let request: string | undefined
  await decide(deps, { did: space, place }, async (swapHead) => {
    request = await undecided(deps, asked, 'active')
    if (request === undefined) return nothingWritten(space)
    const joinedAt = clock.now().toISOString()
    const record = { $type: membership.nsid, subject: did, role: 'member', joinedAt }
    const puts = [{ collection: membership.nsid, rkey: did, record }]
    return writer.putAll({ did: space, place, puts, swapHead })
  })
  const kept = await restrictionOf(deps.sql, space, did)
  if (kept?.status === 'declined') await dropRestriction(deps, { space, did })
  return request
}

async function decline(
  deps: Deps,
  asked: Asked,
  { place, reason }: { place: string; reason: string | undefined },
): Promise<string | undefined> {
  const { space, did } = asked
  let request: string | undefined
  await decide(deps, { did: space, place }, async () => {
    request = await undecided(deps, asked, 'declined')
    return nothingWritten(space)
  })
  if (request === undefined) return undefined
  const createdAt = deps.clock.now().toISOString()
  const why = reason === undefined ? {} : { reason }
  const who = { space, did }
  const before = await restrictionOf(deps.sql, space, did)
  await putRestriction(deps, { ...who, before }, { status: 'declined', request, ...why, createdAt })
  if ((await standingIn(deps.sql, space, did))?.status !== 'active') return request
  // Somebody has approved it meanwhile.
  await dropRestriction(deps, who)
  throw changedMeanwhile()
}

/** The request, unless what is asked for is so already. Throws `NotFound` where nobody asks, and
 *  `InvalidTransition` for who is barred. */
async function undecided(
  { sql }: Deps,
  { space, did, viewer }: Asked,
  to: string,
): Promise<string | undefined> {
  await requirePermission(sql, { space, did: viewer, permission: 'manage_members' })
  const standing = await standingIn(sql, space, did)
  const { rows } = await sql.query<{ cid: string }>(
    'select cid from appview."membershipRequest" where uri = $1',
    [recordUri(did, membershipRequest.nsid, space)],
  )
  if (!standing || !rows[0]) throw notFound(`request of ${did}`)
  return moveOf(requestMachine, standing, { to }) && rows[0].cid
}
