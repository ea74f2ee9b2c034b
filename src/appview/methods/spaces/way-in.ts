import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { audienceUri } from '../../../permissioned/audience.ts'
import { type Invitation, findInvitation } from '../../invitation.ts'
import { type SeenSpace, type Standing, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import type { Sql } from '../../sql.ts'

/** How somebody gets into a space. */
export type Way = {
  readonly before: Standing | undefined
  /** Where both records of the membership stand. */
  readonly place: string
  /** What the space has to do: admit them, wait for a decision, or nothing. */
  readonly step: 'admit' | 'ask' | 'none'
  readonly role: string
  readonly invitation?: Invitation
}

/** What is asked for. */
export type Asks = { readonly space: string; readonly did: string; readonly inviteToken?: string }

/** How the person gets in (`domain.md` SM-10, AC-05). Throws `NotFound` unless the space's repo is
 *  here to admit them, and they may see the space or hold an invitation to it; `JoinClosed` where
 *  it does not take them in without one; `Banned`; `InvalidInvitation`. */
export async function wayIn(
  deps: {
    readonly sql: Sql
    readonly clock: Clock
    readonly isHosted: (did: string) => Promise<boolean>
  },
  asks: Asks,
): Promise<Way> {
  const { sql, isHosted } = deps
  const { space, did } = asks
  const before = await standingIn(sql, space, did)
  refuseBarred(before)
  if (asks.inviteToken !== undefined)
    return invited(deps, { ...asks, inviteToken: asks.inviteToken, before })
  if (before?.status === 'left' && (await isClosed(sql, space)))
    return { before, place: audienceUri(space, 'members'), ...again(before, 'member') }
  const seen = await requireSpace(sql, space, did)
  if (!(await isHosted(space)))
    throw new InvalidRequestError(`${space} is hosted on another node. Join there.`, 'NotFound')
  const { place } = seen
  // What the space has said once still holds for who left and comes back.
  if (before?.status === 'active' || before?.status === 'left')
    return { before, place, ...again(before, 'member') }
  return { before, place, role: 'member', step: requestIn(seen) }
}

function refuseBarred(before: Standing | undefined): void {
  if (before?.status === 'banned')
    throw new ForbiddenError('You are banned from this space. Its people can lift that.', 'Banned')
  if (before?.status === 'suspended')
    throw new ForbiddenError('The space has suspended this membership.', 'JoinClosed')
}

async function invited(
  { sql, clock, isHosted }: Parameters<typeof wayIn>[0],
  asks: Required<Asks> & { before: Standing | undefined },
): Promise<Way> {
  const { space, did, inviteToken: token, before } = asks
  const invitation = await findInvitation(sql, { space, token, did, clock })
  if (!(await isHosted(space))) throw notFound(`space ${space}`)
  const { rows } = await sql.query<{ place: string }>(
    'select place from appview.space where did = $1',
    [space],
  )
  if (!rows[0]) throw notFound(`space ${space}`)
  return { before, place: rows[0].place, invitation, ...again(before, invitation.role) }
}

/** Who is in stays as they are; who comes back begins as invited, or as a member, whatever they
 *  were. */
function again(before: Standing | undefined, role: string): Pick<Way, 'role' | 'step'> {
  const isSame = before?.status === 'left' && before.role === role
  return { role, step: before?.status === 'active' || isSame ? 'none' : 'admit' }
}

/** What a request without an invitation leads to. */
function requestIn({ memberApproval, inviteSettings }: SeenSpace): Way['step'] {
  if (inviteSettings?.requireInviteCode)
    throw new ForbiddenError('Joining this space takes an invitation. Ask for one.', 'JoinClosed')
  if (memberApproval === 'automatic') return 'admit'
  if (memberApproval === 'manual') return 'ask'
  throw new ForbiddenError('This space takes in whom it has invited only.', 'JoinClosed')
}

async function isClosed(sql: Sql, space: string): Promise<boolean> {
  const { rows } = await sql.query(`select 1 from appview.space where did = $1 and place <> ''`, [
    space,
  ])
  return rows.length > 0
}
