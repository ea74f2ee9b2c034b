import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { type Slot, findSlots } from '../../booking/availability.ts'
import { staffResource } from '../../booking/busy.ts'
import { localOf, wire } from '../../booking/local-time.ts'
import { openSpans } from '../../booking/opening-hours.ts'
import { type Span, common, united } from '../../booking/span.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { requireTenant } from '../../tenants.ts'
import { takenOf } from './taken.ts'
import {
  type VenuePlan,
  findVenue,
  planOf,
  requireBookable,
  serviceOf,
  timesOf,
} from './venue-plan.ts'

type Deps = Reading & { readonly clock: { now(): Date } }

const DAY = 86_400_000
const DAYS_MAX = 62
const DAYS_USUAL = 14

/** `booking.searchAvailability` and `getFreeBusy`, for everybody: nobody is named unless the venue
 *  shows who works there. */
export function searchAvailability(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps

  query(mount, co.kendev.booking.searchAvailability, async ({ params }) => {
    const venue = await requireBookable(sql, params.venue)
    const service = timesOf(serviceOf(venue, params.serviceId), 'customer')
    const asked = spanOf(params.from, params.to)
    const within = { start: cursorOf(params.cursor, asked), end: asked.end }
    const now = clock.now()
    const reach = { start: within.start - DAY, end: within.end + 8 * DAY }
    const plan = await planOf(sql, venue, reach)
    const taken = await takenOf(sql, plan, { tenant: venue.tenant, within: reach, now })
    const limit = params.limit ?? 50
    const wish = { ...params, service, within, now: now.getTime() }
    const found = findSlots(plan, wish, taken, limit + 1)
    const items = found.slice(0, limit).map((slot) => slotView(slot, plan))
    const next = found[limit]
    return { items, ...(next && { cursor: String(next.start) }) } as never
  })

  query(mount, co.kendev.booking.getFreeBusy, async ({ params }) => {
    const venue = await findVenue(sql, params.venue)
    await requireTenant(sql, venue.tenant)
    const within = spanOf(params.from, params.to)
    const plan = await planOf(sql, venue, within)
    const at = { tenant: venue.tenant, within, now: clock.now() }
    const { busy } = await takenOf(sql, plan, at)
    const cores = (resource: string) =>
      common(united(busy.filter((b) => b.resource === resource).map((b) => b.core)), [within])
    const bays = plan.bays.flatMap(({ bayId }) =>
      cores(`bay:${plan.venue}:${bayId}`).map((span) => ({ ...written(span), bayId })),
    )
    const everybody = plan.bays.length > 0 ? [] : whenNobodyIsFree(plan, cores)
    const closed = common(united(plan.blackouts), [within])
    const items = [...closed, ...everybody].map(written)
    const open = openSpans(plan.hours, within, { zone: plan.zone }).map(written)
    return { open, items: [...items, ...bays] } as never
  })
}

/** The time asked about. Throws `BadSpan` for one that is none or too long. */
export function spanOf(from: string, to?: string): Span {
  const start = Date.parse(from)
  const end = to === undefined ? start + DAYS_USUAL * DAY : Date.parse(to)
  if (end > start && end - start <= DAYS_MAX * DAY) return { start, end }
  throw new InvalidRequestError(
    `Ask about a time that ends after it begins, and about ${DAYS_MAX} days at most.`,
    'BadSpan',
  )
}

function cursorOf(cursor: string | undefined, { start, end }: Span): number {
  if (cursor === undefined) return start
  const at = Number(cursor)
  if (/^\d{1,15}$/.test(cursor) && at >= start && at < end) return at
  throw new InvalidRequestError('This cursor is not of this search.', 'InvalidCursor')
}

function slotView(slot: Slot, { zone, shown }: VenuePlan) {
  return {
    ...written(slot),
    localStart: localOf(slot.start, zone),
    timezone: zone,
    ...(slot.staff !== undefined && shown.has(slot.staff) && { staff: slot.staff }),
    ...(slot.bayId !== undefined && { bayId: slot.bayId }),
    seatsLeft: slot.seatsLeft,
  }
}

function written({ start, end }: Span) {
  return { startTime: wire(start), endTime: wire(end) }
}

/** When all who work there are taken at once. */
function whenNobodyIsFree(plan: VenuePlan, cores: (resource: string) => Span[]): Span[] {
  const [first, ...others] = plan.staff.map(({ did }) => cores(staffResource(did)))
  return others.reduce((both, one) => common(both, one), first ?? [])
}
