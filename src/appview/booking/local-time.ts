import { Temporal } from 'temporal-polyfill'

/** A time of a wall clock, `2026-11-01T09:00`, without a zone. */
export type LocalTime = string
/** A day of a calendar on a wall, `2026-11-01`: not an instant. */
export type LocalDate = string

/** The version of the time zone database in use. The zones of `Date`, of `Intl` and of Temporal
 *  come from the one that Node carries; nothing here has a copy of its own. */
export function zoneDataVersion(versions: Readonly<Record<string, string | undefined>>): string {
  return versions['tz'] ?? 'unknown'
}

/** Whether this is a zone by its name, as IANA has it. An offset is none: it knows no summer. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(name)) return false
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId !== ''
  } catch {
    return false
  }
}

/** Whether a text is a time of a wall clock that a calendar has, to the minute. */
export function isLocalTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) && parses(text, Temporal.PlainDateTime)
}

/** Whether a text is a day that the calendar has. */
export function isLocalDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && parses(text, Temporal.PlainDate)
}

/** The instant at which a wall clock shows this, in milliseconds. A time that a change of the
 *  clocks leaves out is read with the offset before it (02:30 becomes 03:30), one that comes
 *  twice is its first (RFC 5545 3.3.5). */
export function instantOf(local: LocalTime, zone: string): number {
  return Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds
}

/** Whether wall clocks of a zone ever show this: a change of the clocks leaves an hour out. */
export function exists(local: LocalTime, zone: string): boolean {
  const asked = Temporal.PlainDateTime.from(local)
  return asked.toZonedDateTime(zone).toPlainDateTime().equals(asked)
}

/** What a wall clock shows at an instant, to the minute. */
export function localOf(at: number, zone: string): LocalTime {
  return zoned(at, zone).toPlainDateTime().toString({ smallestUnit: 'minute' })
}

/** What people are told of an instant: a wall clock, and where it hangs. */
export function toldTime(at: number, zone: string): string {
  return `${localOf(at, zone).replace('T', ' ')} (${zone})`
}

/** The day at an instant, where the wall clock hangs. */
export function dateOf(at: number, zone: string): LocalDate {
  return zoned(at, zone).toPlainDate().toString()
}

/** The instant at which a day begins: not everywhere and always at midnight. */
export function startOfDay(date: LocalDate, zone: string): number {
  return Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds
}

/** A day so many days later; earlier when the number is negative. */
export function daysLater(date: LocalDate, days: number): LocalDate {
  return Temporal.PlainDate.from(date).add({ days }).toString()
}

/** The day of the week, 1 for Monday to 7 for Sunday. */
export function weekdayOf(date: LocalDate): number {
  return Temporal.PlainDate.from(date).dayOfWeek
}

/** A time of a wall clock so many minutes later on the clock, whatever is done to it meanwhile. */
export function minutesLater(local: LocalTime, minutes: number): LocalTime {
  return Temporal.PlainDateTime.from(local).add({ minutes }).toString({ smallestUnit: 'minute' })
}

/** An instant as records have it: RFC 3339 in UTC. */
export function wire(at: number): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toString({ fractionalSecondDigits: 3 })
}

function zoned(at: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
}

function parses(text: string, kind: { from(text: string, how: { overflow: 'reject' }): unknown }) {
  try {
    return kind.from(text, { overflow: 'reject' }) !== undefined
  } catch {
    return false
  }
}
