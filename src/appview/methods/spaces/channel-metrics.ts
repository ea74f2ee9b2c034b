import { co } from '../../../lexicons/index.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { channelReport } from '../../collections/spaces/channel-report.ts'
import { requirePermission } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { visibleSql } from '../../readable.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'
import { instant } from '../../define.ts'

/** `spaces.getChannelMetrics`: how the making of a channel's reports goes (D-24). The reports are
 *  for the staff, so their figures stand apart from the channel, which others read. */
export function channelMetrics(mount: Mount, { sql }: Reading): void {
  query(mount, co.kendev.spaces.getChannelMetrics, async ({ params, viewer }) => {
    const found = await findRow({ sql, viewer: viewer?.did }, channel, params.uri)
    if (!found || !viewer) throw notFound(params.uri)
    const asks = { space: found.did, did: viewer.did, permission: 'moderate_content' } as const
    await requirePermission(sql, asks)
    const { rows } = await sql.query<Figures>(FIGURES, [found.uri, viewer.did])
    const { reports, time, decided, accepted, last } = rows[0]!
    return {
      totalReports: reports,
      processingTime: time === null ? undefined : Math.round(time),
      accuracyScore: decided === 0 ? undefined : Math.round((accepted * 10_000) / decided),
      lastProcessed: last ? instant(last) : undefined,
    } as never
  })
}

type Figures = {
  reports: number
  time: number | null
  decided: number
  accepted: number
  last: Date | null
}

/** The mean is that of the hundred reports made last whose time is known. */
const FIGURES = {
  name: 'getChannelMetrics',
  text: `with r as (select t.* from appview."channelReport" t
      where t.channel = $1 and ${visibleSql(channelReport, 't', '$2').join(' and ')})
    select count(*)::int as reports,
      (select avg(l."processingTime")::float8 from (
        select "processingTime" from r where "processingTime" is not null
        order by "processedAt" desc, uri desc limit 100) l) as time,
      count(*) filter (where status in ('accepted', 'corrected', 'rejected'))::int as decided,
      count(*) filter (where status = 'accepted')::int as accepted,
      max("processedAt") as last
    from r`,
}
