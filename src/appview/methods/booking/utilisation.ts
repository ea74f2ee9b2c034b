import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { openSpans } from '../../booking/opening-hours.ts'
import { type Span, without } from '../../booking/span.ts'
import { type Load, loadOf, togetherBp } from '../../booking/utilisation.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { requireOwnVenue } from './blocks.ts'
import { type Scheduled, bayOf, scheduled } from './schedule.ts'
import { spanOf } from './search-availability.ts'
import { type VenuePlan, planOf } from './venue-plan.ts'

/** `booking.getUtilisation`: how much of its bays and people a venue uses. */
export function utilisation(mount: Mount, deps: Reading): void {
  query(mount, co.kendev.booking.getUtilisation, async ({ params, viewer }) => {
    const { tenant } = params
    const asks = { tenant, did: required(viewer).did, permission: 'view_analytics' } as const
    await requireTenantPermission(deps.sql, { ...asks, reads: true })
    const venue = await requireOwnVenue(deps, tenant, params.venue)
    const within = spanOf(params.from, params.to)
    const plan = await planOf(deps.sql, venue, within)
    const rows = await scheduled(deps.sql, { tenant, venue: venue.uri, within })
    const bays = plan.bays.map(({ bayId }) => ({
      bayId,
      ...loadOf(
        bayOpen(plan, bayId, within),
        spansOf(rows, (r) => bayOf(r.row) === bayId),
        within,
      ),
    }))
    const staff = plan.staff.map(({ did }) => ({
      staff: did,
      ...loadOf(
        staffOpen(plan, did, within),
        spansOf(rows, ({ notes }) => notes?.staff?.includes(did) === true),
        within,
      ),
    }))
    const utilisationBp = togetherBp(bays.length > 0 ? bays : staff)
    const { from, to } = params
    const known = <T extends Load>(loads: readonly T[]) => loads.map(withoutNothing)
    return {
      venue: venue.uri,
      from,
      to,
      bays: known(bays),
      staff: known(staff),
      ...(utilisationBp !== undefined && { utilisationBp }),
    } as never
  })
}

function spansOf(rows: readonly Scheduled[], is: (one: Scheduled) => boolean): Span[] {
  return rows
    .filter(is)
    .map(({ row }) => ({ start: +(row['startTime'] as Date), end: +(row['endTime'] as Date) }))
}

function bayOpen(plan: VenuePlan, bayId: string, within: Span): Span[] {
  const shut = plan.closed.filter(({ resource }) => resource.endsWith(`:${bayId}`))
  const open = openSpans(plan.hours, within, { zone: plan.zone })
  return without(open, [...plan.blackouts, ...shut.map(({ core }) => core)])
}

function staffOpen(plan: VenuePlan, did: string, within: Span): Span[] {
  const hours = plan.staff.find((one) => one.did === did)?.hours ?? plan.hours
  const open = openSpans(hours, within, { zone: plan.zone })
  return without(open, [...plan.blackouts, ...(plan.timeOff.get(did) ?? [])])
}

/** Figures without a denominator are left out. */
function withoutNothing<T extends Load>({ utilisationBp, ...load }: T) {
  return { ...load, ...(utilisationBp !== undefined && { utilisationBp }) }
}
