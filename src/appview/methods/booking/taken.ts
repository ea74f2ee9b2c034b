import type { Session, Taken } from '../../booking/availability.ts'
import { type Busy, bayResource, staffResource } from '../../booking/busy.ts'
import type { Span } from '../../booking/span.ts'
import type { Sql } from '../../sql.ts'
import type { VenuePlan } from './venue-plan.ts'

/** What a group that several book is called among what is taken and among what has seats. */
export function sessionName(venue: string, serviceId: string, start: number): string {
  return `session:${venue}:${serviceId}:${start}`
}

/** Times are milliseconds: a month has thousands, and dates are slow to read. */
type BusyRow = {
  resource: string
  booking: string
  coreStart: number
  coreEnd: number
  paddedStart: number
  paddedEnd: number
}

/** What is taken of the bays and people of a venue in a time: by bookings, by what is held at
 *  `now`, and by blocks. */
export async function takenOf(
  sql: Sql,
  plan: VenuePlan,
  at: { tenant: string; within: Span; now: Date },
): Promise<Taken> {
  const { tenant, within, now } = at
  const resources = [
    ...plan.bays.map(({ bayId }) => bayResource(plan.venue, bayId)),
    ...plan.staff.map(({ did }) => staffResource(did)),
  ]
  const range = [new Date(within.start), new Date(within.end)]
  const { rows } = await sql.query<BusyRow>(BUSY, [tenant, resources, ...range, now])
  const busy = rows.map((row): Busy => ({
    resource: row.resource,
    booking: row.booking,
    core: { start: row.coreStart, end: row.coreEnd },
    padded: { start: row.paddedStart, end: row.paddedEnd },
  }))
  const prefix = `session:${plan.venue}:`
  const seats = await sql.query<{ subject: string; taken: number }>(SEATS, [
    tenant,
    prefix,
    `session:${plan.venue};`,
  ])
  const sessions = seats.rows.map((row) => sessionOf(row, prefix, busy))
  return { busy: [...busy, ...plan.closed], sessions }
}

/** Who leads a session and where it is are told by what it takes. */
function sessionOf(
  { subject, taken }: { subject: string; taken: number },
  prefix: string,
  busy: readonly Busy[],
): Session {
  const [serviceId = '', start = ''] = subject.slice(prefix.length).split(':')
  const own = busy.filter(({ booking }) => booking === subject).map(({ resource }) => resource)
  const staff = own.find((name) => name.startsWith('staff:'))?.slice('staff:'.length)
  const bayId = own
    .find((name) => name.startsWith('bay:'))
    ?.split(':')
    .at(-1)
  return { serviceId, start: Number(start), booking: subject, taken, staff, bayId }
}

// Both rows of a booking are found though only one may reach into the time: what is kept clear
// around a booking is a day at most.
const BUSY = `select resource, booking,
    max(extract(epoch from lower(during))) filter (where kind = 'core') :: float8 * 1000
      as "coreStart",
    max(extract(epoch from upper(during))) filter (where kind = 'core') :: float8 * 1000 as "coreEnd",
    max(extract(epoch from lower(during))) filter (where kind = 'padded') :: float8 * 1000
      as "paddedStart",
    max(extract(epoch from upper(during))) filter (where kind = 'padded') :: float8 * 1000
      as "paddedEnd"
  from repo.busy where tenant = $1 and resource = any($2::text[])
    and during && tstzrange($3::timestamptz - interval '1 day', $4::timestamptz + interval '1 day')
    and ("holdUntil" is null or "holdUntil" > $5)
  group by resource, booking having count(*) = 2`

const SEATS = `select subject, taken from repo.seat
  where tenant = $1 and subject >= $2 and subject < $3`
