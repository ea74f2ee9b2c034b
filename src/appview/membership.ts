import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../lexicons/index.ts'
import { type Audience, audienceUri, parseAudience, rolesOf } from '../permissioned/audience.ts'
import type { Permission } from './access-rules.ts'
import { allows } from './permissions.ts'
import { notFound } from './not-found.ts'
import { readableSql } from './readable.ts'
import { recordUri } from './reference.ts'
import type { Sql } from './sql.ts'

/** How somebody stands to a space. */
export type Standing = {
  readonly role: string
  readonly status: 'active' | 'pending' | 'declined' | 'left' | 'suspended' | 'banned'
  /** What the person may do beyond the role. */
  readonly permissions: readonly string[]
}

/** A space somebody may see, and where what is for all its members stands: empty for everybody. */
export type SeenSpace = {
  readonly did: string
  readonly place: string
  readonly memberApproval: string
  readonly inviteSettings: co.kendev.spaces.space.InviteSettings | null
}

/** Where a person stands in a space: what the space's repo says, and what the person wants. */
export async function standingIn(
  sql: Sql,
  space: string,
  did: string,
): Promise<Standing | undefined> {
  const { rows } = await sql.query<Said>(STANDING, [space, did, restrictionUri(space, did)])
  const { role, permissions, state, asked, barred, declined } = rows[0]!
  if (barred !== null && barred !== 'declined')
    return { role: role ?? 'guest', status: outOf(barred), permissions: [] }
  if (role === null || state === null) {
    if (!asked) return undefined
    return { role: 'guest', status: declined ? 'declined' : 'pending', permissions: [] }
  }
  // Taking back the request does not end what the space has decided.
  const here = state === 'active' ? (asked ? 'active' : 'left') : outOf(state)
  return { role, status: here, permissions: permissions ?? [] }
}

/** A standing that a later lexicon may know keeps its holder out as well. */
const outOf = (state: string) => (state === 'banned' ? 'banned' : 'suspended')

/** The address of what a space has decided against somebody. */
export function restrictionUri(space: string, did: string): string {
  return recordUri(space, co.kendev.spaces.restriction.$type, did)
}

type Said = {
  role: string | null
  permissions: string[] | null
  state: string | null
  asked: boolean
  barred: string | null
  /** Whether it is this request that was declined, and no later one. */
  declined: boolean | null
}

const STANDING = {
  name: 'standing',
  text: `select coalesce(a.role, m.role) as role, m.permissions,
      coalesce(a.status, m.status) as state, q.uri is not null as asked,
      r.status as barred, r.request = q.cid as declined
    from (select $1::text as space, $2::text as did) w
    left join appview.membership m on m.did = w.space and m.subject = w.did
    left join repo.admission a on a.authority = m.did and a.subject = m.subject
    left join appview."membershipRequest" q on q.space = w.space and q.did = w.did
    left join appview.restriction r on r.did = w.space and r.uri = $3`,
}

/** Throws `NotFound` unless there is such a space that the viewer may see. */
export async function requireSpace(
  sql: Sql,
  space: string,
  viewer: string | undefined,
): Promise<SeenSpace> {
  const { rows } = await sql.query<SeenSpace>(SPACE, [space, viewer ?? ''])
  if (rows[0]) return rows[0]
  throw notFound(`space ${space}`)
}

const SPACE = {
  name: 'space',
  text: `select t.did, t.place, t."memberApproval",
      t.content->'inviteSettings' as "inviteSettings" from appview.space t
    where t.did = $1 and ${readableSql('t', '$2')}`,
}

/** The place of a space's audience, empty where everybody reads; the space's own place when no
 *  audience is said. Throws `NotFound` unless the viewer reads it. */
export async function requireReader(
  sql: Sql,
  asks: { space: string; viewer: string | undefined; audience: Audience | undefined },
): Promise<string> {
  const { space, viewer, audience } = asks
  const seen = await requireSpace(sql, space, viewer)
  if (audience === undefined) return seen.place
  const place = audienceUri(space, audience)
  if (!(await readsPlace(sql, place, viewer))) throw notFound(`space ${space}`)
  return place
}

/** Whether somebody reads what stands in a place. */
export async function readsPlace(
  sql: Sql,
  place: string,
  viewer: string | undefined,
): Promise<boolean> {
  const { rows } = await sql.query(READS, [place, viewer ?? ''])
  return rows.length > 0
}

const READS = {
  name: 'reads',
  text: `select 1 from (select $1::text as "place") t where ${readableSql('t', '$2')}`,
}

/** Throws `Forbidden` for a role that reads an audience and does not write what is for it; its
 *  records would be shown to nobody, whatever its grants. */
export function requireWriter({ role }: Standing, place: string): void {
  const audience = parseAudience(place)?.audience
  if (audience === undefined || rolesOf(audience, 'write').includes(role)) return
  throw new ForbiddenError(
    `A ${role} of this space does not write what is for its ${audience}. Ask for another role.`,
    'Forbidden',
  )
}

/** Throws `NotAMember` unless the person is an active member, `NotFound` for a space they may not
 *  see. */
export async function requireMember(
  sql: Sql,
  space: string,
  did: string,
): Promise<{ standing: Standing; seen: SeenSpace }> {
  const seen = await requireSpace(sql, space, did)
  const standing = await standingIn(sql, space, did)
  if (standing?.status === 'active') return { standing, seen }
  throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
}

/** Throws `NotAMember` unless the person is an active member, `Forbidden` unless their role or a
 *  grant to them includes the permission, `NotFound` for a space they may not see. */
export async function requirePermission(
  sql: Sql,
  asks: { space: string; did: string; permission: Permission },
): Promise<{ standing: Standing; seen: SeenSpace }> {
  const { standing, seen } = await requireMember(sql, asks.space, asks.did)
  if (!allows(standing, asks.permission))
    throw new ForbiddenError(
      `A ${standing.role} of this space may not do this: it needs ${asks.permission}.`,
      'Forbidden',
    )
  return { standing, seen }
}
