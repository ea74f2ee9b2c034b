import type { Sql } from '../database/sql.ts'
import privateSpace from './lexicons/co.kendev.spaces.privateSpace.json' with { type: 'json' }
import tenantSpace from './lexicons/co.kendev.platform.tenantSpace.json' with { type: 'json' }
import { type SpaceRef, parseSpace, spaceUri } from './space-ref.ts'

/** Who of a community or business a private space is for: the key of that space. */
export type Audience = 'members' | 'staff' | 'managers'

/** The type of the spaces of a community's audiences. */
export const PRIVATE_SPACE: string = privateSpace.id
/** The type of the spaces of a tenant's audiences. */
export const TENANT_SPACE: string = tenantSpace.id
/** Every type whose readers follow from roles. */
export const AUDIENCE_TYPES: readonly string[] = [PRIVATE_SPACE, TENANT_SPACE]

const MANAGERS = ['owner', 'space_admin', 'tenant_admin']
const STAFF = [...MANAGERS, 'moderator', 'tenant_manager']
const WRITERS = [...STAFF, 'member', 'tenant_member']

/** The roles that read each audience's space: those of communities and of tenants have different
 *  names, and an account has only one kind. Those that write are the same, less the viewers. */
const READERS: Readonly<Record<Audience, readonly string[]>> = {
  members: [...WRITERS, 'viewer'],
  staff: STAFF,
  managers: MANAGERS,
}

/** The space of an authority's audience: a community's, unless another type is said. */
export function audienceUri(authority: string, audience: Audience, type = PRIVATE_SPACE): string {
  return spaceUri({ authority, type, skey: audience })
}

/** Which audience a space is for; undefined for a space of another kind. */
export function audienceOf(ref: SpaceRef): Audience | undefined {
  return AUDIENCE_TYPES.includes(ref.type) && isAudience(ref.skey) ? ref.skey : undefined
}

/** All audiences, from the widest to the narrowest. */
export const AUDIENCES = Object.keys(READERS) as readonly Audience[]

/** The roles that may read or write in the space of an audience. */
export function rolesOf(audience: Audience, access: 'read' | 'write'): readonly string[] {
  const readers = READERS[audience]
  return access === 'read' ? readers : readers.filter((role) => role !== 'viewer')
}

/** Policy that says: who is in the list of members, which here is expanded from roles. */
export const MEMBER_LIST = { $type: 'com.atproto.simplespace.defs#memberListPolicy' }
const OPEN_APPS = { $type: 'com.atproto.simplespace.defs#open' }

/** Makes the space of an audience when it is first needed; answers its URI. One that was deleted
 *  stays deleted. */
export async function ensureAudience(
  tx: Sql,
  at: { authority: string; audience: Audience; type?: string; now: Date },
): Promise<string> {
  const { authority, audience, type = PRIVATE_SPACE, now } = at
  const space = audienceUri(authority, audience, type)
  await tx.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy",
       "appAccess", "createdAt")
     values ($1, $2, $3, $4, $5, $5, $6, $7) on conflict do nothing`,
    [space, authority, type, audience, JSON.stringify(MEMBER_LIST), JSON.stringify(OPEN_APPS), now],
  )
  return space
}

/** Whether a space's key names an audience. */
export function isAudience(skey: string): skey is Audience {
  return Object.hasOwn(READERS, skey)
}

/** The audience a space URI is for, with its authority and the type of the space. */
export function parseAudience(
  space: string,
): { authority: string; audience: Audience; type: string } | undefined {
  const ref = parseSpace(space)
  const audience = ref && audienceOf(ref)
  return audience && { authority: ref.authority, audience, type: ref.type }
}
