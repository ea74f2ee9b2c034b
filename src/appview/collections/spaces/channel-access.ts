import type { co } from '../../../lexicons/index.ts'
import { AUDIENCES, type Audience, type Level, rolesOf } from '../../../permissioned/audience.ts'

type AccessControl = co.kendev.spaces.channel.AccessControl

/** The widest audience a channel may stand before: undefined for everybody. A restricted channel is
 *  for the narrowest audience that all its roles read; one that names no roles is for the staff. A
 *  visibility nobody knows is for the fewest. */
export function channelAudience({ visibility, allowedRoles }: AccessControl): Level | undefined {
  if (visibility === undefined || visibility === 'public') return undefined
  if (visibility === 'private') return 'members'
  if (visibility !== 'restricted') return AUDIENCES.at(-1)
  if (!allowedRoles?.length) return 'staff'
  const fitting = AUDIENCES.filter((audience) => {
    const readers = rolesOf(audience, 'read')
    return allowedRoles.every((role) => readers.includes(role))
  })
  return fitting.at(-1) ?? 'members'
}

/** Whether everybody of the one audience belongs to the other as well. */
export function isWithin(audience: Audience | undefined, wider: Level | undefined): boolean {
  if (wider === undefined) return true
  const levels: readonly (Audience | undefined)[] = AUDIENCES
  return levels.indexOf(audience) >= levels.indexOf(wider)
}

/** What the channel makes of the right to post that somebody's role gives: it may shut roles out,
 *  and let guests in (`domain.md` §6.2, AC-09). */
export function mayPost(
  { allowedRoles, guestAccess }: AccessControl,
  { role, can }: { readonly role: string; readonly can: boolean },
): boolean {
  if (role === 'guest') return can || guestAccess === true
  return can && (!allowedRoles?.length || allowedRoles.includes(role))
}
