import { randomBytes } from 'node:crypto'
import type { Sql } from '../database/sql.ts'
import privateSpace from './lexicons/co.kendev.spaces.privateSpace.json' with { type: 'json' }
import tenantSpace from './lexicons/co.kendev.platform.tenantSpace.json' with { type: 'json' }
import { type SpaceRef, parseSpace, spaceUri } from './space-ref.ts'

/** Who of a community or business a private space is for by role. */
export type Level = 'members' | 'staff' | 'managers'

/** The key of the space of one customer of a business: 128 random bits, which tell nobody whose it
 *  is. */
export type CustomerKey = `customer-${string}`

/** The key of a space whose readers follow from roles; one customer reads beside them. */
export type Audience = Level | CustomerKey

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
const READERS: Readonly<Record<Level, readonly string[]>> = {
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
  if (ref.type === TENANT_SPACE && isCustomerKey(ref.skey)) return ref.skey
  return AUDIENCE_TYPES.includes(ref.type) && isAudience(ref.skey) ? ref.skey : undefined
}

/** All audiences, from the widest to the narrowest. */
export const AUDIENCES = Object.keys(READERS) as readonly Level[]

/** The roles that may read or write in the space of an audience. What stands with a customer the
 *  staff read, and only the business itself writes. */
export function rolesOf(audience: Audience, access: 'read' | 'write'): readonly string[] {
  if (isCustomerKey(audience)) return access === 'read' ? READERS.staff : []
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

/** Whether a space's key names an audience of several people. */
export function isAudience(skey: string): skey is Level {
  return Object.hasOwn(READERS, skey)
}

/** Whether a space's key is that of one customer. */
export function isCustomerKey(skey: string): skey is CustomerKey {
  return CUSTOMER.test(skey)
}

const CUSTOMER = /^customer-[a-z2-7]{26}$/

/** A key for the space of a new customer. */
export function newCustomerKey(): CustomerKey {
  const key = Array.from(randomBytes(26), (byte) => DIGITS[byte & 31])
  return `customer-${key.join('')}`
}

const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'

/** The audience a space URI is for, with its authority and the type of the space. */
export function parseAudience(
  space: string,
): { authority: string; audience: Audience; type: string } | undefined {
  const ref = parseSpace(space)
  const audience = ref && audienceOf(ref)
  return audience && { authority: ref.authority, audience, type: ref.type }
}
