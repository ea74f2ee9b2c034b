import type { Permission } from './audiences.ts'

/** What each role of a space may do (`domain.md` §6.2). Roles count only from the space's repo. */
const GRANTS: Readonly<Record<string, readonly Permission[]>> = {
  owner: ['manage_space', 'create_channels', 'post_messages', 'create_events'],
  space_admin: ['manage_space', 'create_channels', 'post_messages', 'create_events'],
  moderator: ['post_messages', 'create_events'],
  member: ['post_messages', 'create_events'],
  guest: [],
  viewer: [],
}

/** Whether the role includes the permission; a role nobody knows includes none. */
export function may(role: string, permission: Permission): boolean {
  return (Object.hasOwn(GRANTS, role) && GRANTS[role]?.includes(permission)) === true
}
