const FORM = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** One day in milliseconds. */
export const DAY = 86_400_000

/** Milliseconds since 1970 of an RFC 3339 time, which must name its zone and be one there is;
 *  undefined for anything else. `Date.parse` alone would read a time without a zone by the clock of
 *  the machine, and 30 February in some engines only, so that nodes would differ. */
export function readInstant(text: string): number | undefined {
  const parts = FORM.exec(text)
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const millis = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // A day that the month does not have has led into another month.
  if (date.getUTCMonth() !== month - 1) return undefined
  const offset = offsetOf(parts[8]!)
  if (offset === undefined) return undefined
  return date.setUTCHours(hour, minute, second, millis) - offset
}

type Six = [number, number, number, number, number, number]

/** How far a zone is ahead of UTC, in milliseconds. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 23 || minutes > 59) return undefined
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -60_000 : 60_000)
}
