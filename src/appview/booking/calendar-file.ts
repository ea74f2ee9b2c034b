import ICAL from 'ical.js'

/** What a calendar shows of one appointment or event. Instants are in milliseconds; they are
 *  written in UTC, one entry for each instance, so that no calendar works out the zones anew. */
export type CalendarEntry = {
  /** The same for all versions of it. */
  readonly uid: string
  /** Rises with each change that moves or ends it. */
  readonly sequence: number
  readonly start: number
  readonly end: number
  readonly summary: string
  readonly description?: string | undefined
  readonly location?: string | undefined
  readonly status: 'TENTATIVE' | 'CONFIRMED' | 'CANCELLED'
  /** When this version was made. */
  readonly changed: number
  readonly organizer?: { readonly did: string; readonly name: string } | undefined
  /** The uid of the series it is of, or was split from. */
  readonly relatedTo?: string | undefined
}

const PRODUCT = '-//Angel OS//Booking//EN'
const KEPT_MAX = 2_000

/** The file of one appointment (RFC 5545): published while it stands, `METHOD:CANCEL` once it is
 *  cancelled, so that a calendar that has it takes it out again. */
export function calendarFile(entry: CalendarEntry): string {
  const method = entry.status === 'CANCELLED' ? 'CANCEL' : 'PUBLISH'
  return calendarOf([entry], { method })
}

/** A feed to subscribe to: what is to be shown, with a name, to be asked for again every quarter
 *  of an hour. What is cancelled stays in it as cancelled, for calendars that keep what
 *  disappears. */
export function calendarFeed(name: string, entries: readonly CalendarEntry[]): string {
  return calendarOf(entries, { method: 'PUBLISH', name })
}

function calendarOf(
  entries: readonly CalendarEntry[],
  { method, name }: { method: string; name?: string },
): string {
  const calendar = new ICAL.Component('vcalendar')
  calendar.updatePropertyWithValue('version', '2.0')
  calendar.updatePropertyWithValue('prodid', PRODUCT)
  calendar.updatePropertyWithValue('method', method)
  if (name !== undefined) {
    calendar.updatePropertyWithValue('x-wr-calname', plain(name))
    calendar.updatePropertyWithValue('refresh-interval', ICAL.Duration.fromString('PT15M'))
  }
  for (const entry of entries) calendar.addSubcomponent(eventOf(entry))
  return `${calendar.toString()}\r\n`
}

function eventOf(entry: CalendarEntry): ICAL.Component {
  const event = new ICAL.Component('vevent')
  const { description, location, organizer, relatedTo } = entry
  const set = (name: string, value: unknown) => event.updatePropertyWithValue(name, value)
  set('uid', plain(entry.uid))
  set('dtstamp', time(entry.changed))
  set('last-modified', time(entry.changed))
  set('sequence', entry.sequence)
  set('dtstart', time(entry.start))
  set('dtend', time(entry.end))
  set('summary', plain(entry.summary))
  set('status', entry.status)
  if (description !== undefined) set('description', plain(description))
  if (location !== undefined) set('location', plain(location))
  if (relatedTo !== undefined) set('related-to', plain(relatedTo))
  if (organizer) {
    const property = set('organizer', organizer.did)
    property.setParameter('cn', plain(organizer.name).replaceAll(/["\n]/g, ' '))
  }
  return event
}

function time(at: number): ICAL.Time {
  return ICAL.Time.fromJSDate(new Date(at), true)
}

/** Text without what a line of the file cannot hold; other text is escaped by the library. */
function plain(text: string): string {
  return text
    .slice(0, KEPT_MAX)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?!\n)\p{Cc}/gu, ' ')
}
