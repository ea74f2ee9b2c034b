import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../../lexicons/index.ts'
import { type Busy, bayResource } from '../../booking/busy.ts'
import type { Plan, Service } from '../../booking/plan.ts'
import type { Span } from '../../booking/span.ts'
import { venueStaff } from '../../collections/enterprise/venue-staff.ts'
import { venue as venues } from '../../collections/enterprise/venue.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'

/** A venue as it is in its record. */
export type VenueRecord = co.kendev.enterprise.venue.Main
/** A service as the record of its venue has it. */
export type ServiceRecord = co.kendev.enterprise.venue.Service

/** A venue of a tenant of this node. */
export type Venue = {
  readonly uri: string
  readonly tenant: string
  readonly rkey: string
  readonly record: VenueRecord
}

/** Who works at a venue, whether everybody may know, and what is taken by blocks. */
export type VenuePlan = Plan & {
  readonly shown: ReadonlySet<string>
  readonly names: ReadonlyMap<string, string>
  /** Bays out of use, as if something were booked there. */
  readonly closed: readonly Busy[]
}

const HOUR = 60
const QUARTER = 15
const WINDOW_DAYS = 60

/** The venue with this uri. Throws `NotFound`. */
export async function findVenue(sql: Sql, uri: string): Promise<Venue> {
  const { rows } = await sql.query<{ did: string; rkey: string; content: VenueRecord }>(
    `select did, rkey, content from appview."${venues.table}" where uri = $1 and place = ''`,
    [knownUri(uri)],
  )
  if (!rows[0]) throw notFound(`venue ${uri}`)
  const { did: tenant, rkey, content: record } = rows[0]
  return { uri: knownUri(uri), tenant, rkey, record }
}

/** The same, where bookings are taken now: throws `VenueClosed` unless it is active, `NotFound` for
 *  one whose tenant is not of this node and `TenantSuspended`. */
export async function requireBookable(sql: Sql, uri: string): Promise<Venue> {
  const venue = await findVenue(sql, uri)
  requireOpen(await requireTenant(sql, venue.tenant))
  const { status = 'active', name } = venue.record
  if (status === 'active') return venue
  throw new ForbiddenError(
    `${name} takes no bookings now: it is ${status}. Ask there when it will.`,
    'VenueClosed',
  )
}

/** A service of the venue by its id, if it can be booked. Throws `UnknownService`. */
export function serviceOf({ record }: Venue, serviceId: string): ServiceRecord {
  const found = record.services?.find((one) => one.serviceId === serviceId)
  if (found && found.isActive !== false) return found
  const ids = (record.services ?? []).filter((one) => one.isActive !== false)
  throw new InvalidRequestError(
    `${record.name} has no service ${serviceId} to be booked. ` +
      `It has ${ids.map((one) => one.serviceId).join(', ') || 'none'}.`,
    'UnknownService',
  )
}

/** What decides when it can be booked. The staff is not bound to notice and window. */
export function timesOf(service: ServiceRecord, by: 'customer' | 'staff'): Service {
  return {
    serviceId: service.serviceId,
    duration: service.duration ?? HOUR,
    before: service.bufferBefore ?? 0,
    after: service.bufferAfter ?? 0,
    grid: service.slotInterval ?? QUARTER,
    gridOffset: service.slotOffset ?? 0,
    notice: by === 'staff' ? 0 : (service.minimumNotice ?? 0),
    windowDays: by === 'staff' ? 731 : (service.bookingWindow ?? WINDOW_DAYS),
    requiresBay: service.requiresBay ?? false,
    bayTypes: service.bayTypes ?? [],
    requiresStaff: service.requiresStaff ?? true,
    specialties: service.specialties ?? [],
    seats: service.maxAttendees ?? 1,
    mayCrossClosing: service.mayCrossClosing ?? false,
  }
}

type StaffRow = { user: string; content: co.kendev.enterprise.venueStaff.Main }
type BlockRow = {
  staff: string | null
  bayId: string | null
  startTime: Date
  endTime: Date
}

/** All that decides when a venue can be booked in a time, beside what is booked. */
export async function planOf(
  sql: Sql,
  { tenant, uri, rkey, record }: Venue,
  within: Span,
): Promise<VenuePlan> {
  const staff = await sql.query<StaffRow>(STAFF, [tenant, uri])
  const range = [new Date(within.start), new Date(within.end)]
  const { rows: blocks } = await sql.query<BlockRow>(BLOCKS, [tenant, uri, ...range])
  const spanOf = ({ startTime, endTime }: BlockRow) => ({ start: +startTime, end: +endTime })
  const away = Map.groupBy(
    blocks.filter((block) => block.staff !== null),
    (block) => block.staff!,
  )
  return {
    venue: rkey,
    zone: record.location.timezone,
    hours: record.businessHours ?? { schedule: [] },
    buffer: record.bayManagement?.bayBookingBuffer ?? 0,
    bays: (record.bayManagement?.bays ?? []).map(({ bayId, bayType, isActive }) => ({
      bayId,
      bayType: bayType ?? 'general_workstation',
      isActive: isActive ?? true,
    })),
    staff: staff.rows.map(({ user, content }) => ({
      did: user,
      isActive: true,
      specialties: content.specialties ?? [],
      hours: content.hours,
      assignedBay: content.workStation?.assignedBay,
      canFloatBays: content.workStation?.canFloatBays ?? false,
      dailyMax: content.dailyMax,
    })),
    blackouts: blocks.filter((b) => b.staff === null && b.bayId === null).map(spanOf),
    timeOff: new Map([...away].map(([did, list]) => [did, list.map(spanOf)])),
    closed: blocks.flatMap((block, n): Busy[] => {
      if (block.bayId === null || block.staff !== null) return []
      const span = spanOf(block)
      const resource = bayResource(rkey, block.bayId)
      return [{ resource, booking: `block ${n}`, core: span, padded: span }]
    }),
    shown: shownStaff(record, staff.rows),
    names: new Map(
      staff.rows.flatMap(({ user, content }) =>
        content.displayName === undefined ? [] : [[user, content.displayName] as const],
      ),
    ),
  }
}

function shownStaff({ bookingPolicy }: VenueRecord, rows: readonly StaffRow[]): Set<string> {
  const all = bookingPolicy?.showStaff === true
  const shown = rows.filter(({ content }) => content.isShown ?? all)
  return new Set(shown.map(({ user }) => user))
}

const STAFF = `select "user", content from appview."${venueStaff.table}"
  where did = $1 and venue = $2 and "isActive"`

const BLOCKS = `select staff, content->>'bayId' as "bayId", "startTime", "endTime"
  from appview.block where did = $1 and (venue is null or venue = $2)
    and "endTime" > $3 and "startTime" < $4`
