import {
  type LocalDate,
  daysLater,
  instantOf,
  isLocalDate,
  isZone,
  startOfDay,
} from './local-time.ts'
import type { Span } from './span.ts'

/** When an event is, by the wall clock there. */
export type EventTime = {
  readonly eventDate: LocalDate
  readonly startTime?: string | undefined
  readonly endTime?: string | undefined
  /** The last day, when it is another. */
  readonly endDate?: LocalDate | undefined
  readonly timezone: string
}

const HOURS = 2
const HOUR = 3_600_000

/** Whether the times of an event are times: a zone, days the calendar has, an end not before the
 *  beginning. */
export function readableEvent({ eventDate, startTime, endTime, endDate, timezone }: EventTime) {
  const times = [startTime, endTime].every(
    (time) => time === undefined || /^([01]\d|2[0-3]):[0-5]\d$/.test(time),
  )
  const days = [eventDate, endDate ?? eventDate].every(isLocalDate)
  if (!times || !days || !isZone(timezone)) return false
  if (startTime === undefined && endTime !== undefined) return false
  return endDate === undefined || endDate >= eventDate
}

/** From which instant to which an event goes (`domain.md` R-12): all of its days without times, two
 *  hours without an end, past midnight where it ends earlier in the day than it begins. */
export function eventSpan({ eventDate, startTime, endTime, endDate, timezone }: EventTime): Span {
  const last = endDate ?? eventDate
  if (startTime === undefined)
    return {
      start: startOfDay(eventDate, timezone),
      end: startOfDay(daysLater(last, 1), timezone),
    }
  const start = instantOf(`${eventDate}T${startTime}`, timezone)
  if (endTime === undefined && endDate === undefined) return { start, end: start + HOURS * HOUR }
  const end = instantOf(`${last}T${endTime ?? '23:59'}`, timezone)
  if (end > start) return { start, end }
  return { start, end: instantOf(`${daysLater(last, 1)}T${endTime!}`, timezone) }
}
