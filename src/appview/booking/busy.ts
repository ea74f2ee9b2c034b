import { type Span, overlaps } from './span.ts'

const MINUTE = 60_000

/** How long something takes, and how long before and after it nothing else may be, in minutes. */
export type Timing = {
  readonly duration: number
  readonly before: number
  readonly after: number
}

/** One booking at one resource: what is billed, and what is kept clear around it. */
export type Busy = {
  readonly resource: string
  /** Which booking it is of: one never stands in its own way. */
  readonly booking: string
  readonly core: Span
  readonly padded: Span
}

/** What a booking that begins at an instant takes: `core` is billed and shown, `padded` is what no
 *  other booking's core may touch (`domain.md` D-63). */
export function busyAt(start: number, { duration, before, after }: Timing) {
  const end = start + duration * MINUTE
  return {
    core: { start, end },
    padded: { start: start - before * MINUTE, end: end + after * MINUTE },
  }
}

/** Whether two bookings of one resource stand in each other's way: a core of either touches what
 *  the other keeps clear. So the gap between them is the larger of the two buffers and not their
 *  sum, as the exclusion constraint of the database has it (`domain.md` 11.1). */
export function collide(a: { core: Span; padded: Span }, b: { core: Span; padded: Span }): boolean {
  return overlaps(a.core, b.padded) || overlaps(a.padded, b.core)
}

/** Between which instants a booking of this timing may not begin because of another, both ends
 *  allowed: the same as `collide`, turned round so that a month is searched by looking up. */
export function barredStarts(
  { core, padded }: { core: Span; padded: Span },
  { duration, before, after }: Timing,
): Span {
  return {
    start: Math.min(padded.start - duration * MINUTE, core.start - (duration + after) * MINUTE),
    end: Math.max(padded.end, core.end + before * MINUTE),
  }
}

/** A resource's name in the table of what is taken. */
export const bayResource = (venue: string, bayId: string): string => `bay:${venue}:${bayId}`
/** The name of a person who does the work. */
export const staffResource = (did: string): string => `staff:${did}`
