/** Who sees more of somebody than the handle, in the views of this node. */
export const VISIBILITIES = ['public', 'members', 'private'] as const

/** Whether everybody sees the profile of somebody who has chosen this, or has not chosen. */
export function showsAll(visibility: string | null): boolean {
  return visibility === null || visibility === 'public'
}

/** The condition under which two people are active members of one space. */
export function acquaintedSql(one: string, other: string): string {
  const active = (m: string) => `${m}.active and ${m}.status = 'active'`
  return `exists (select 1 from appview.membership m
    join appview.membership n on n.did = m.did and n.subject = ${other} and ${active('n')}
    where m.subject = ${one} and ${active('m')})`
}

/** The condition under which the account whose DID stands in `viewer` (a parameter, `''` for
 *  nobody) sees the profile of `did` (`domain.md` AC-08). */
export function profileShownSql(did: string, viewer: string): string {
  return `(${did} = ${viewer} or not exists (select 1 from node.preference f
    where f.did = ${did} and f."profileVisibility" <> 'public'
      and not (f."profileVisibility" = 'members' and ${acquaintedSql(viewer, did)})))`
}

/** The condition under which they see the karma as well. */
export function karmaShownSql(did: string, viewer: string): string {
  return `(${did} = ${viewer} or (${profileShownSql(did, viewer)} and not exists (
    select 1 from node.preference k where k.did = ${did} and not k."karmaScoreVisible")))`
}
