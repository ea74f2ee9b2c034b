import { audienceUri } from '../../../permissioned/audience.ts'
import { tenantMembership } from '../../collections/platform/tenant-membership.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { membership } from '../../collections/spaces/membership.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { readsPlace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { visibleSql } from '../../readable.ts'
import { recordUri, uriIn } from '../../reference.ts'
import type { Reading } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

/** Standings that nobody but the account itself and the staff are to know. */
const CONFIDENTIAL = ['declined', 'suspended', 'banned']

/** A membership, shown also when only one of its two records is there. To others than themselves
 *  and the staff, somebody whom the space keeps out looks like who has asked and is not in. */
export async function membershipView(
  { sql, origin }: Reading,
  who: { space: string; did: string; viewer: string | undefined },
) {
  const { space, did, viewer } = who
  const standing = await standingIn(sql, space, did)
  if (!standing) throw notFound(`membership of ${did}`)
  const { status } = standing
  const row = await membershipRow(sql, space, did)
  const knows = viewer === did || (await readsPlace(sql, audienceUri(space, 'staff'), viewer))
  if (row) {
    const [view] = await present(membership, [row], { sql, origin, viewer: did })
    const works = await tenantMembershipOf(sql, who)
    return {
      ...view,
      ...(works && { tenantMembership: works }),
      ...(knows && (await channelPermissionsOf(sql, who))),
    }
  }
  if (!CONFIDENTIAL.includes(status) || knows) return { space, subject: did, status }
  if (await hasAsked(sql, space, did)) return { space, subject: did, status: 'pending' }
  throw notFound(`membership of ${did}`)
}

/** The space's half of a membership. */
export async function membershipRow(
  sql: Reading['sql'],
  space: string,
  did: string,
): Promise<Row | undefined> {
  const { rows } = await sql.query<Row>('select * from appview.membership where uri = $1', [
    recordUri(space, membership.nsid, did),
  ])
  return rows[0]
}

async function hasAsked(sql: Reading['sql'], space: string, did: string): Promise<boolean> {
  const { rows } = await sql.query(
    'select 1 from appview."membershipRequest" where space = $1 and did = $2',
    [space, did],
  )
  return rows.length > 0
}

/** Of channels that the viewer does not see, nothing is told: not that they are there. */
async function channelPermissionsOf(
  sql: Reading['sql'],
  { space, did, viewer }: { space: string; did: string; viewer: string | undefined },
) {
  const { rows } = await sql.query<{ channel: string; access: string }>(PERMISSIONS, [
    space,
    did,
    viewer ?? '',
  ])
  return rows.length === 0 ? {} : { channelPermissions: rows }
}

const PERMISSIONS = `select p.content->>'channel' as channel, p.access
  from appview."channelPermission" p join appview.channel t on t.uri = p.channel
  where p.did = $1 and p.subject = $2 and ${visibleSql(channel, 't', '$3').join(' and ')}
  order by p.channel`

/** Where the member's membership of the space's tenant stands, for a viewer who may read it. */
async function tenantMembershipOf(
  sql: Reading['sql'],
  { space, did, viewer }: { space: string; did: string; viewer: string | undefined },
): Promise<string | undefined> {
  const { rows } = await sql.query<{ tenant: string | null }>(
    `select content->>'tenant' as tenant from appview.space where did = $1`,
    [space],
  )
  const tenant = rows[0]?.tenant
  if (!tenant || viewer === undefined) return undefined
  const uri = recordUri(tenant, tenantMembership.nsid, did)
  const row = await findRow({ sql, viewer }, tenantMembership, uri)
  return row && uriIn(row.place, row.uri)
}
