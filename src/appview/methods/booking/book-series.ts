import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { localOf } from '../../booking/local-time.ts'
import { type Recurrence, expand, readableRecurrence, ruleOf } from '../../booking/recurrence.ts'
import { customerOf } from '../../business/customers.ts'
import type { Deciding, Decision, TenantWrite } from '../../business/transact.ts'
import { series as allSeries } from '../../collections/booking/series.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, guestProcedure } from '../../serve.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { seriesLink } from './appointment-link.ts'
import type { BookingDeps } from './book-appointment.ts'
import { type Booker, bookerOf } from './booker.ts'
import { type Choice, chooseMany } from './choose-many.ts'
import { claim, releaseExpired } from './claim.ts'
import { composeBooking } from './compose-booking.ts'
import { shownSeries } from './show-series.ts'
import { customerJob } from './tell-customer.ts'
import { type Venue, requireBookable, serviceOf, timesOf } from './venue-plan.ts'

type Input = co.kendev.booking.bookSeries.$InputBody
type Order = { venue: Venue; booker: Booker; input: Input; recurrence: Recurrence }

/** `booking.bookSeries`: all of a series, or what can be booked of it with a report of the rest, in
 *  one transaction (`domain.md` 11.1, 8). */
export function bookSeries(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.booking.bookSeries, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const venue = await requireBookable(deps.sql, input.venue)
    const { tenant } = venue
    const recurrence = recurrenceOf(venue, input)
    const permission = 'manage_orders'
    const booker = await bookerOf(deps.sql, { ...input, tenant, viewer, permission })
    const method = co.kendev.booking.bookSeries.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    const { uri } = await deps.transact({ tenant, once }, (d) =>
      book(d, { venue, booker, input, recurrence }),
    )
    const shown = await shownSeries(deps, uri)
    return { ...shown, token: seriesLink(deps.links, uri, deps.clock.now()) } as never
  })
}

/** What repeats. Throws `BadRule`. */
function recurrenceOf(venue: Venue, input: Input): Recurrence {
  const { localStart, exDates, rDates, recurrence } = input
  const short = recurrence?.enabled === true ? shortRule(recurrence) : undefined
  const rrule = input.rrule ?? short ?? ''
  const timezone = venue.record.location.timezone
  const found = { localStart, timezone, rrule, exDates, rDates }
  if ((input.rrule === undefined) !== (short === undefined) && readableRecurrence(found))
    return found
  throw new InvalidRequestError(
    'Say how it repeats: an rrule by days, weeks, months or years, or a recurrence. Not both.',
    'BadRule',
  )
}

function shortRule(r: co.kendev.booking.series.Recurrence): string | undefined {
  const type = (['daily', 'weekly', 'monthly'] as const).find((kind) => kind === r.type)
  const endDate = r.endDate === undefined ? undefined : Date.parse(r.endDate)
  return type && ruleOf({ type, interval: r.interval, endDate })
}

async function book(d: Deciding, order: Order): Promise<Decision<{ uri: string }>> {
  const { venue, booker, input, recurrence } = order
  await releaseExpired(d)
  const { instances, capped } = expand(recurrence)
  if (instances.length === 0) throw nothing()
  const service = timesOf(serviceOf(venue, input.serviceId), booker.by)
  const starts = instances.map(({ start }) => start)
  const { staff, bayId } = input
  const { plan, choices } = await chooseMany(d, venue, { service, starts, staff, bayId })
  const customer = await customerOf(d, booker.who)
  const rkey = d.nextTid()
  const series = recordUri(d.tenant, allSeries.nsid, rkey)
  const writes: TenantWrite[] = [...customer.writes]
  const jobs: Job[] = []
  const skipped: Choice[] = []
  for (const [n, choice] of choices.entries()) {
    const key = d.nextTid()
    const one = { plan, service, booking: key, seats: 1 }
    if (!('slot' in choice) || !(await claim(d, { ...one, slot: choice.slot }))) {
      skipped.push(choice)
      continue
    }
    const taking = { rkey: key, venue, booker, customer, seats: 1, details: input }
    const composed = await composeBooking(d, {
      ...taking,
      chosen: { plan, slot: choice.slot, service },
      service: serviceOf(venue, input.serviceId),
      of: { series, instance: instances[n]!.localStart },
    })
    writes.push(...composed.writes)
    jobs.push(...composed.jobs)
    if (jobs.length === composed.jobs.length)
      jobs.push(customerJob({ tenant: d.tenant, place: customer.place, rkey: key }, 'booked', '0'))
  }
  const booked = choices.length - skipped.length
  if (booked === 0 || (skipped.length > 0 && !input.skipConflicts))
    throw conflict(venue, skipped, booked)
  const record = seriesRecord(d, order, { customer: customer.key, skipped, capped })
  writes.push({ place: customer.place, collection: allSeries.nsid, rkey, record })
  const by = { actor: booker.actor === 'guest' ? d.tenant : booker.actor, role: booker.role }
  return {
    answer: { uri: series },
    writes,
    jobs,
    by: { ...by, action: co.kendev.booking.bookSeries.$lxm },
  }
}

function seriesRecord(
  d: Deciding,
  { venue, input, recurrence }: Order,
  of: { customer: string; skipped: readonly Choice[]; capped: boolean },
): Record<string, unknown> {
  const { localStart, timezone, rrule, exDates = [], rDates = [] } = recurrence
  const { serviceName } = serviceOf(venue, input.serviceId)
  return {
    title: serviceName,
    venue: venue.uri,
    serviceId: input.serviceId,
    customer: of.customer,
    localStart,
    timezone,
    rrule,
    ...(exDates.length > 0 && { exDates }),
    ...(rDates.length > 0 && { rDates }),
    ...(input.recurrence && { recurrence: input.recurrence }),
    ...(of.skipped.length > 0 && {
      skipped: of.skipped.map(({ start }) => localOf(start, timezone)),
    }),
    status: 'active',
    sequence: 0,
    createdAt: d.now.toISOString(),
  }
}

const NAMED = 10

/** What is said of a series of which some cannot be booked. */
export function conflict(
  { record }: Pick<Venue, 'record'>,
  skipped: readonly Choice[],
  booked: number,
): InvalidRequestError {
  const zone = record.location.timezone
  const named = skipped.slice(0, NAMED).map((one) => {
    const why = 'skipped' in one ? one.skipped : 'taken'
    return `${localOf(one.start, zone)} (${why})`
  })
  const more = skipped.length > NAMED ? ` and ${skipped.length - NAMED} more` : ''
  const rest = booked > 0 ? ` skipConflicts takes the other ${booked}.` : ''
  return new InvalidRequestError(
    `Of the series ${named.join(', ')}${more} cannot be had.${rest}`,
    'SeriesConflict',
  )
}

function nothing(): InvalidRequestError {
  return new InvalidRequestError('This rule gives no date within two years.', 'BadRule')
}
