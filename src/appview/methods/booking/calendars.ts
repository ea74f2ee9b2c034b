import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { type CalendarEntry, calendarFeed, calendarFile } from '../../booking/calendar-file.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import { readLink } from './appointment-link.ts'
import { requireOwnVenue } from './blocks.ts'
import type { BookingDeps } from './book-appointment.ts'
import { staffRole } from './booker.ts'

const PURPOSE = 'calendar'
const FOR = 366 * 86_400_000
const BACK = 30 * 86_400_000
const ENTRIES_MAX = 2_000
const CALENDAR = 'text/calendar'
const HEADERS = { 'cache-control': 'private, max-age=300', 'referrer-policy': 'no-referrer' }

/** What a feed is of, and who has made its address: it ends when they may no longer see it. */
type Feed = {
  tenant: string
  by: string
  venue?: string | undefined
  bayId?: string | undefined
  person?: string | undefined
}

/** `booking.createCalendarFeed`, `getCalendarFeed` and `getCalendarFile`: what calendars
 *  subscribe to has no account, so that its address is what lets it in. */
export function calendars(mount: Mount, deps: BookingDeps): void {
  const { sql, links, clock, origin } = deps

  procedure(mount, co.kendev.booking.createCalendarFeed, async ({ input, viewer }) => {
    const { tenant, venue, bayId, person } = input
    requireOpen(await requireTenant(sql, tenant))
    const feed: Feed = { tenant, by: viewer.did, bayId, person }
    if (!(await maySee(sql, feed)))
      throw new ForbiddenError('You may make a calendar of your own appointments.', 'Forbidden')
    const found = venue === undefined ? undefined : await requireOwnVenue(deps, tenant, venue)
    const until = new Date(clock.now().getTime() + FOR)
    const subject = JSON.stringify({ ...feed, ...(found && { venue: found.uri }) })
    const token = links.sign({ purpose: PURPOSE, subject, until })
    const url = `${origin}/xrpc/${co.kendev.booking.getCalendarFeed.$lxm}?token=${token}`
    return { url, expiresAt: until.toISOString() } as never
  })

  mount.server.add(co.kendev.booking.getCalendarFeed, async ({ params }) => {
    const subject = links.read(params.token, PURPOSE, clock.now())
    const feed = subject === undefined ? undefined : (JSON.parse(subject) as Feed)
    if (!feed || !(await maySee(sql, feed))) throw over()
    const entries = await entriesOf(sql, feed, clock.now())
    return file(calendarFeed(await nameOf(sql, feed), entries))
  })

  mount.server.add(co.kendev.booking.getCalendarFile, async ({ params }) => {
    const uri = readLink(links, params.token, clock.now())
    const { rows } = await sql.query<EntryRow>(`${ENTRIES} where a.uri = $1`, [knownUri(uri)])
    if (!rows[0]) throw notFound(`appointment ${uri}`)
    return file(calendarFile(entryOf(rows[0], { whole: false })))
  })
}

function file(text: string) {
  return { encoding: CALENDAR as never, body: Buffer.from(text), headers: HEADERS }
}

/** Whoever plans the work sees everything, others what is theirs. */
async function maySee(sql: Sql, { tenant, by, person }: Feed): Promise<boolean> {
  if (person === by) return true
  return (await staffRole(sql, { tenant, did: by, permission: 'manage_orders' })) !== undefined
}

function over(): ForbiddenError {
  return new ForbiddenError('This calendar is over. Make a new address for it.', 'InvalidLink')
}

type EntryRow = {
  uri: string
  did: string
  rkey: string
  content: Appointment
  venue: string | null
  indexedAt: Date
}

const ENTRIES = `select a.uri, a.did, a.rkey, a.content, v.name as venue, a."indexedAt"
  from appview."${appointments.table}" a left join appview.venue v on v.uri = a.venue
  left join appview."${appointmentNotes.table}" n on n.appointment = a.uri and n.did = a.did`

async function entriesOf(sql: Sql, feed: Feed, now: Date): Promise<CalendarEntry[]> {
  const { tenant, venue, bayId, person } = feed
  const { rows } = await sql.query<EntryRow>(
    `${ENTRIES} where a.did = $1 and a."endTime" > $2
       and ($3::text is null or a.venue = $3)
       and ($4::text is null or a.content->'bayAssignment'->>'assignedBay' = $4)
       and ($5::text is null or a.organizer = $5 or n.staff @> array[$5::text]
         or a.content->'attendees' @> to_jsonb($5::text))
     order by a."startTime", a.uri limit ${ENTRIES_MAX}`,
    [tenant, new Date(now.getTime() - BACK), venue ?? null, bayId ?? null, person ?? null],
  )
  return rows.map((row) => entryOf(row, { whole: !isCustomer(row.content, person) }))
}

function isCustomer({ attendees = [] }: Appointment, person: string | undefined): boolean {
  return person !== undefined && (attendees as readonly string[]).includes(person)
}

/** What a calendar shows of an appointment: who comes is for those who do the work only. */
function entryOf({ did, rkey, content, venue }: EntryRow, { whole }: { whole: boolean }) {
  const who = whole ? (content.contact?.name ?? content.attendees?.[0]) : undefined
  const title = content.title ?? 'Appointment'
  const series = content.series?.split('/').at(-1)
  const status =
    content.status === 'cancelled'
      ? 'CANCELLED'
      : content.status === 'scheduled'
        ? 'TENTATIVE'
        : 'CONFIRMED'
  return {
    uid: `${rkey}@${did}`,
    sequence: content.sequence,
    start: Date.parse(content.startTime),
    end: Date.parse(content.endTime),
    summary: who === undefined ? `${title} at ${venue ?? 'the business'}` : `${title}: ${who}`,
    location: content.location,
    description: whole ? content.notes : undefined,
    status,
    changed: Date.parse(content.updatedAt ?? content.createdAt),
    organizer: { did, name: venue ?? 'The business' },
    relatedTo: series === undefined ? undefined : `${series}@${did}`,
  } as const
}

async function nameOf(sql: Sql, { tenant, venue, bayId }: Feed): Promise<string> {
  const { rows } = await sql.query<{ name: string }>(
    `select name from appview.venue where uri = $1
     union all select name from node.tenant where did = $2`,
    [venue ?? '', tenant],
  )
  return [rows[0]?.name ?? 'Appointments', ...(bayId === undefined ? [] : [bayId])].join(', ')
}
