import { AUDIENCES, PRIVATE_SPACE, TENANT_SPACE, rolesOf } from '../permissioned/audience.ts'
import { channelReachSql } from './channel-reach.ts'
import type { Collection } from './define.ts'
import { quote } from './schema.ts'

/** The condition under which a row may be read by the account whose DID stands in `viewer` (a
 *  parameter, `''` for nobody): it is public, or the account is an active member of the space whose
 *  place it stands in, in a role that reads its audience, or the customer whose space it is.
 *  Everything that answers rows asks it, so that what is not there and what is not for the asker
 *  are one answer of one plan. Of a space that this node admits to, what it has last written
 *  counts, also before the views have it. */
export function readableSql(row: string, viewer: string): string {
  const part = (n: number) => `split_part(${row}."place", '/', ${n})`
  const among = (
    type: string,
    members: string,
    more: string,
  ) => `${part(5)} = '${type}' and exists (
    select 1 from appview."${members}" m
    left join repo.admission a on a.authority = m.did and a.subject = m.subject
    where m.did = ${part(3)} and m.subject = ${viewer} and m.status = 'active'${more}
      and case when a.subject is null
        then not exists (select 1 from repo.space h where h.authority = m.did)
        else a.status = 'active' end
      and ${rolesSql(part(6))} @> array[coalesce(a.role, m.role)])`
  // A host knows who its customers are; elsewhere the business's own record in that space says so.
  const own = `${part(5)} = '${TENANT_SPACE}' and ${part(6)} like 'customer-%' and (exists (
      select 1 from repo.member m where m.space = ${row}."place" and m.did = ${viewer} and m.read)
    or (not exists (select 1 from repo.space h where h.space = ${row}."place") and exists (
      select 1 from appview."customer" c
      where c.place = ${row}."place" and c.subject = ${viewer})))`
  return `(${row}."place" = '' or (${among(PRIVATE_SPACE, 'membership', ' and m.active')})
    or (${among(TENANT_SPACE, 'tenantMembership', '')}) or (${own}))`
}

/** The roles that read an audience; an audience nobody knows has no reader. */
function rolesSql(skey: string): string {
  const cases = AUDIENCES.map(
    (audience) => `when '${audience}' then '{${rolesOf(audience, 'read').join(',')}}'::text[]`,
  )
  const staff = `'{${rolesOf('staff', 'read').join(',')}}'::text[]`
  const customers = `case when ${skey} like 'customer-%' then ${staff} else '{}'::text[] end`
  return `case ${skey} ${cases.join(' ')} else ${customers} end`
}

/** What every answer of this collection's rows asks: which of them are shown at all, and that the
 *  viewer may read them. Collections of public records only ask no more than the first. */
export function visibleSql(c: Collection, row: string, viewer: string): string[] {
  return [
    ...(c.shown ? [`${row}.${quote(c.shown)}`] : []),
    ...(c.hidden ? [`not ${row}.${quote(c.hidden)}`] : []),
    ...(c.access.places === 'public' ? [] : [readableSql(row, viewer)]),
    ...channelReachSql(c, row, viewer),
  ]
}
