import type { Permission } from './access-rules.ts'

const MEMBER: readonly Permission[] = ['create_events', 'post_messages', 'upload_files']
const MODERATOR: readonly Permission[] = [
  ...MEMBER,
  'access_private',
  'invite_users',
  'manage_bookings',
  'manage_members',
  'moderate_content',
]
const ADMIN: readonly Permission[] = [
  ...MODERATOR,
  'create_channels',
  'export_data',
  'manage_space',
  'view_analytics',
]

/** What each role of a space may do (`domain.md` §6.2). Roles count only from the space's repo. */
const GRANTS: Readonly<Record<string, readonly Permission[]>> = {
  owner: ADMIN,
  space_admin: ADMIN,
  moderator: MODERATOR,
  member: MEMBER,
  guest: [],
  viewer: [],
}

/** Roles from most to least rights; who manages members manages those below themselves. */
const RANKS: readonly string[] = ['owner', 'space_admin', 'moderator', 'member', 'viewer', 'guest']

/** Whether the role or a grant beside it includes the permission; a role nobody knows includes
 *  none. */
export function allows(
  { role, permissions }: { readonly role: string; readonly permissions: readonly string[] },
  permission: Permission,
): boolean {
  const grants = Object.hasOwn(GRANTS, role) ? GRANTS[role]! : []
  return grants.includes(permission) || permissions.includes(permission)
}

/** Everything somebody may do: by role, by grant, and by a tier while it is paid for (§6.2). */
export function permissionsOf(
  standing: { readonly role: string; readonly permissions: readonly string[] },
  isPaid: boolean,
): Permission[] {
  return ADMIN.filter((one) => allows(standing, one) || (isPaid && one === 'access_private'))
}

/** Whether somebody of the one role decides about somebody of the other: only about lesser ones. */
export function outranks(role: string, other: string): boolean {
  const [above, below] = [RANKS.indexOf(role), RANKS.indexOf(other)]
  return above !== -1 && (below === -1 || above < below)
}
