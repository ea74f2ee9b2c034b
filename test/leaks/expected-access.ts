import type { Part } from './cast.ts'

/** Who calls: somebody of the cast, or nobody. */
export type Caller = Part | 'anonymous'

export const CALLERS: readonly Caller[] = [
  'anonymous',
  'stranger',
  'elsewhere',
  'removed',
  'suspended',
  'guest',
  'viewer',
  'member',
  'moderator',
  'admin',
  'owner',
]

/** Where a record stands: in which of the two spaces, and for whom. */
export type Stand = {
  readonly space: 'club' | 'shop'
  readonly audience: 'public' | 'members' | 'staff' | 'managers'
}

export const STANDS: readonly Stand[] = [
  { space: 'shop', audience: 'public' },
  { space: 'club', audience: 'members' },
  { space: 'club', audience: 'staff' },
  { space: 'club', audience: 'managers' },
  { space: 'shop', audience: 'staff' },
  { space: 'shop', audience: 'managers' },
]

/** Who reads each audience (architecture §3). Guests have no part in what is not public. */
const READS: Record<Stand['audience'], readonly Caller[]> = {
  public: CALLERS,
  members: ['owner', 'admin', 'moderator', 'member', 'viewer'],
  staff: ['owner', 'admin', 'moderator'],
  managers: ['owner', 'admin'],
}

/** Who has each permission (domain §6.2), of those that a collection asks for. */
const HAS: Readonly<Record<string, readonly Caller[]>> = {
  manage_space: ['owner', 'admin'],
  create_channels: ['owner', 'admin'],
  moderate_content: ['owner', 'admin', 'moderator'],
  manage_members: ['owner', 'admin', 'moderator'],
  post_messages: ['owner', 'admin', 'moderator', 'member'],
  view_analytics: ['owner', 'admin'],
}

/** Who is in the public space; it cannot suspend anybody. */
const IN_SHOP: readonly Caller[] = ['guest', ...READS.members]

export const YES = 'yes'

/** Whether somebody reads what stands there. */
export function reads(caller: Caller, stand: Stand): boolean {
  return READS[stand.audience].includes(caller)
}

/** What somebody is told who asks for a record by its address. */
export function onGet(caller: Caller, stand: Stand): string {
  return reads(caller, stand) ? YES : 'NotFound'
}

/** What somebody is told of a record who listens to the stream of those that it stands for. */
export function onStream(caller: Caller, collection: string, stand: Stand): string {
  if (!reads(caller, stand)) return 'NotFound'
  return STREAMED.includes(collection) ? 'told' : 'not told'
}

/** What the one stream that there is tells of. */
const STREAMED = ['co.kendev.spaces.message', 'co.kendev.spaces.reaction']

/** What somebody is told who does what a permission is needed for. What they may not see is not
 *  there; then comes being a member, then the permission. */
export function onDoing(caller: Caller, permission: string, { space }: Stand): string {
  if (caller === 'anonymous') return 'AuthenticationRequired'
  if (space === 'club' && !READS.members.includes(caller)) return 'NotFound'
  if (space === 'shop' && !IN_SHOP.includes(caller)) return 'NotAMember'
  return HAS[permission]!.includes(caller) ? YES : 'Forbidden'
}

/** What somebody is told who writes there on the space's behalf: as above, but nobody writes what
 *  is for others than themselves. */
export function onManaging(caller: Caller, permission: string, stand: Stand): string {
  const told = onDoing(caller, permission, stand)
  return told === YES && !reads(caller, stand) ? 'Forbidden' : told
}

/** What somebody is told who posts there: as above, but a channel they do not read is not there. */
export function onPosting(caller: Caller, stand: Stand): string {
  const told = onDoing(caller, 'post_messages', stand)
  return told === YES && !reads(caller, stand) ? 'NotFound' : told
}

/** What somebody is told who reacts to what is known by its public address only: in a public space
 *  that may be a message that this node has not heard of, and never one of another audience. */
export function onReactingBlindly(caller: Caller, stand: Stand): string {
  const told = onPosting(caller, stand)
  return stand.space === 'shop' ? onDoing(caller, 'post_messages', stand) : told
}

/** What somebody is told who changes a record in the repo of `author`, at that account's PDS. */
export function onChanging(caller: Caller, author: Caller, { audience }: Stand): string {
  if (caller === author) return YES
  if (caller === 'anonymous') return 'AuthMissing'
  return audience === 'public' ? 'AuthenticationRequired' : 'RepoNotFound'
}

/** What somebody is told who deletes what `author` has posted, through the method for that. */
export function onTakingBack(caller: Caller, author: Caller): string {
  if (caller === 'anonymous') return 'AuthenticationRequired'
  return caller === author ? YES : 'NotFound'
}

/** What somebody is told who joins without an invitation. */
export function onJoining(caller: Caller, { space }: Stand): string {
  if (caller === 'anonymous') return 'AuthenticationRequired'
  if (space === 'shop' || READS.members.includes(caller)) return YES
  return caller === 'suspended' ? 'JoinClosed' : 'NotFound'
}

/** What somebody is told who leaves. */
export function onLeaving(caller: Caller, { space }: Stand): string {
  if (caller === 'anonymous') return 'AuthenticationRequired'
  if (space === 'club' && !READS.members.includes(caller)) return 'NotFound'
  if (!IN_SHOP.includes(caller)) return 'NotAMember'
  return caller === 'owner' ? 'OwnerCannotLeave' : YES
}

/** Who wrote what stands there for all to read and answer: somebody of the lowest role that can. */
export const AUTHORS: Record<Stand['audience'], Part> = {
  public: 'member',
  members: 'member',
  staff: 'moderator',
  managers: 'admin',
}
