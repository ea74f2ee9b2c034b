import type { Sql } from '../database/sql.ts'
import privateSpace from './lexicons/co.kendev.spaces.privateSpace.json' with { type: 'json' }
import { type SpaceRef, parseSpace, spaceUri } from './space-ref.ts'

/** Who of a community or business a private space is for: the key of that space. */
export type Audience = 'members' | 'staff' | 'managers'

/** The type of the spaces of audiences. */
export const PRIVATE_SPACE: string = privateSpace.id

const MANAGERS = ['owner', 'space_admin']
const STAFF = [...MANAGERS, 'moderator']
const WRITERS = [...STAFF, 'member']

/** The roles that read each audience's space. Those that write are the same, less the viewers. */
const READERS: Readonly<Record<Audience, readonly string[]>> = {
  members: [...WRITERS, 'viewer'],
  staff: STAFF,
  managers: MANAGERS,
}

/** The space of an authority's audience. */
export function audienceUri(authority: string, audience: Audience): string {
  return spaceUri({ authority, type: PRIVATE_SPACE, skey: audience })
}

/** Which audience a space is for; undefined for a space of another kind. */
export function audienceOf(ref: SpaceRef): Audience | undefined {
  return ref.type === PRIVATE_SPACE && isAudience(ref.skey) ? ref.skey : undefined
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
  { authority, audience, now }: { authority: string; audience: Audience; now: Date },
): Promise<string> {
  const space = audienceUri(authority, audience)
  await tx.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy",
       "appAccess", "createdAt")
     values ($1, $2, $3, $4, $5, $5, $6, $7) on conflict do nothing`,
    [
      space,
      authority,
      PRIVATE_SPACE,
      audience,
      JSON.stringify(MEMBER_LIST),
      JSON.stringify(OPEN_APPS),
      now,
    ],
  )
  return space
}

/** Whether a space's key names an audience. */
export function isAudience(skey: string): skey is Audience {
  return Object.hasOwn(READERS, skey)
}

/** The audience a space URI is for, with its authority. */
export function parseAudience(
  space: string,
): { authority: string; audience: Audience } | undefined {
  const ref = parseSpace(space)
  const audience = ref && audienceOf(ref)
  return audience && { authority: ref.authority, audience }
}
