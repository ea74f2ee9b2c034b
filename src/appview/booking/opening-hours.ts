import {
  type LocalDate,
  dateOf,
  daysLater,
  instantOf,
  startOfDay,
  weekdayOf,
} from './local-time.ts'
import { type Span, united, without } from './span.ts'

/** One stretch of a day of the week. A day with several has several entries; a closing time that is
 *  not after the opening time is on the next day. */
export type DayHours = {
  readonly dayOfWeek: string
  readonly openTime?: string | undefined
  readonly closeTime?: string | undefined
  readonly isClosed?: boolean | undefined
  readonly isEmergencyOnly?: boolean | undefined
}
/** One stretch of a single day, which then has these and not those of its day of the week. */
export type SpecialHours = Omit<DayHours, 'dayOfWeek'> & { readonly date: LocalDate }
/** When something is open, by the wall clock there. */
export type Hours = {
  readonly schedule: readonly DayHours[]
  readonly specialHours?: readonly SpecialHours[] | undefined
}

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

/** Whether hours can be read: known days, times as `HH:MM` with both ends or closed, days that the
 *  calendar has, and no stretch twice over another of the same day. */
export function readableHours({ schedule, specialHours = [] }: Hours): boolean {
  const times = [...schedule, ...specialHours].every(
    ({ openTime, closeTime, isClosed }) =>
      (isClosed === true && openTime === undefined && closeTime === undefined) ||
      (isTime(openTime) && (isTime(closeTime) || closeTime === '24:00')),
  )
  const days = schedule.every(({ dayOfWeek }) => DAYS.includes(dayOfWeek))
  return times && days && apart(schedule, 'dayOfWeek') && apart(specialHours, 'date')
}

/** The stretches in which something is open within a time (`domain.md` D-68): of a date with
 *  special hours only those count. What is open for emergencies only is left out unless one is
 *  at hand. */
export function openSpans(
  hours: Hours,
  within: Span,
  { zone, emergency = false }: { zone: string; emergency?: boolean | undefined },
): Span[] {
  const clipped = stretches(hours, within, { zone, emergency }).map(({ start, end }) => ({
    start: Math.max(start, within.start),
    end: Math.min(end, within.end),
  }))
  return united(clipped)
}

/** The same as whole stretches, one for each entry of each day: what is counted from opening is
 *  counted from where these begin, whatever time is looked at. */
export function stretches(
  hours: Hours,
  within: Span,
  { zone, emergency = false }: { zone: string; emergency?: boolean | undefined },
): Span[] {
  const spans: Span[] = []
  const last = dateOf(within.end, zone)
  for (
    let date = daysLater(dateOf(within.start, zone), -1);
    date <= last;
    date = daysLater(date, 1)
  )
    for (const entry of entriesOf(hours, date))
      if (entry.isEmergencyOnly !== true || emergency) spans.push(spanOf(entry, date, zone))
  return spans
}

/** The stretches of a time outside of those in which something is open. */
export function closedSpans(
  hours: Hours,
  within: Span,
  how: { zone: string; emergency?: boolean | undefined },
): Span[] {
  return without([within], openSpans(hours, within, how))
}

/** What counts on a day: its special hours where it has any, else those of its day of the week. */
function entriesOf(hours: Hours, date: LocalDate): readonly Omit<DayHours, 'dayOfWeek'>[] {
  const special = (hours.specialHours ?? []).filter((entry) => entry.date === date)
  const name = DAYS[weekdayOf(date) - 1]
  const entries =
    special.length > 0 ? special : hours.schedule.filter(({ dayOfWeek }) => dayOfWeek === name)
  return entries.some(({ isClosed }) => isClosed === true) ? [] : entries
}

function spanOf(
  { openTime = '00:00', closeTime = '24:00' }: Omit<DayHours, 'dayOfWeek'>,
  date: LocalDate,
  zone: string,
): Span {
  const start = instantOf(`${date}T${openTime}`, zone)
  if (closeTime === '24:00') return { start, end: startOfDay(daysLater(date, 1), zone) }
  const day = closeTime > openTime ? date : daysLater(date, 1)
  return { start, end: instantOf(`${day}T${closeTime}`, zone) }
}

/** Whether the stretches of each day leave each other alone; closing after midnight counts as
 *  24:00. */
function apart<T extends Omit<DayHours, 'dayOfWeek'>>(
  entries: readonly T[],
  day: keyof T,
): boolean {
  return entries.every((a, n) =>
    entries.slice(n + 1).every((b) => {
      if (a[day] !== b[day]) return true
      if (a.isClosed === true || b.isClosed === true) return false
      const [first, second] = a.openTime! <= b.openTime! ? [a, b] : [b, a]
      return first.closeTime! > first.openTime! && first.closeTime! <= second.openTime!
    }),
  )
}

function isTime(text: string | undefined): boolean {
  return text !== undefined && /^([01]\d|2[0-3]):[0-5]\d$/.test(text)
}
