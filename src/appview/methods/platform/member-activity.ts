import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantMember, tenantAllows } from '../../tenant-access.ts'

type Activity = {
  lastActiveAt: Date | null
  loginCount: number
  spacesJoined: number
  contentCreated: number
}

/** `platform.getMemberActivity`: counted by the node (`domain.md` D-07), for the person themselves
 *  and for those who see the figures of the tenant. */
export function getMemberActivity(mount: Mount, { sql }: { readonly sql: Sql }): void {
  query(mount, co.kendev.platform.getMemberActivity, async ({ params, viewer }) => {
    const { did } = required(viewer)
    const { tenant, member } = params
    const { standing } = await requireTenantMember(sql, { tenant, did })
    if (member !== did && !tenantAllows(standing, 'view_analytics'))
      throw new ForbiddenError('The figures of others need view_analytics.', 'Forbidden')
    const { rows } = await sql.query<Activity>(ACTIVITY, [tenant, member])
    const [found] = rows
    if (!found) throw notFound(`${member} among the people of this tenant`)
    const { lastActiveAt, ...counts } = found
    const last = lastActiveAt && { lastActiveAt: lastActiveAt.toISOString() }
    return { member, ...last, ...counts } as never
  })
}

const SPACES = `select s.did from node."pendingSpace" s
  where s.did is not null and s.records->'space'->>'tenant' = $1`

const ACTIVITY = `select a."lastActiveAt", coalesce(a.visits, 0) as "loginCount",
    (select count(*)::int from appview.membership j
     where j.subject = $2 and j.active and j.status = 'active' and j.did in (${SPACES}))
      as "spacesJoined",
    (select count(*)::int from appview.message c
     where c.did = $2 and c.admitted and c.space in (${SPACES})) as "contentCreated"
  from repo.admission m join node.tenant t on t.did = m.authority
  left join node."tenantActivity" a on a.tenant = t.id and a.did = m.subject
  where m.authority = $1 and m.subject = $2`
