import { type Span, common, united } from './span.ts'

const MINUTE = 60_000

/** How much of the time that something was there for is taken. */
export type Load = {
  readonly openMinutes: number
  readonly bookedMinutes: number
  readonly appointments: number
  /** In basis points; undefined for what was never there. More than all where work went on after
   *  closing. */
  readonly utilisationBp: number | undefined
}

/** What bookings take of the time something is there, within a time. What overlaps counts once. */
export function loadOf(open: readonly Span[], booked: readonly Span[], within: Span): Load {
  const openMinutes = minutes(common(united(open), [within]))
  const bookedMinutes = minutes(common(united(booked), [within]))
  const appointments = booked.filter((s) => s.start < within.end && s.end > within.start).length
  return {
    openMinutes,
    bookedMinutes,
    appointments,
    utilisationBp: rate(bookedMinutes, openMinutes),
  }
}

/** Several as one: undefined while none of them was there. */
export function togetherBp(loads: readonly Load[]): number | undefined {
  const sum = (of: (load: Load) => number) => loads.reduce((all, load) => all + of(load), 0)
  return rate(
    sum((load) => load.bookedMinutes),
    sum((load) => load.openMinutes),
  )
}

function rate(booked: number, open: number): number | undefined {
  return open === 0 ? undefined : Math.round((booked * 10_000) / open)
}

function minutes(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + Math.round((end - start) / MINUTE), 0)
}
