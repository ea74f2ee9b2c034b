import { type Timing, busyAt } from './busy.ts'
import { type Hours } from './opening-hours.ts'
import type { Span } from './span.ts'

/** A place at a venue where one job is done at a time. */
export type Bay = { readonly bayId: string; readonly bayType: string; readonly isActive: boolean }

/** What is booked, as far as time is concerned; all times in minutes. */
export type Service = {
  readonly serviceId: string
  readonly duration: number
  /** Kept clear before and after; the venue's own buffer counts where it is larger. */
  readonly before: number
  readonly after: number
  /** How far starts are apart, counted from opening, and by how much the first is later. */
  readonly grid: number
  readonly gridOffset: number
  /** How long before its start a booking has to be made. */
  readonly notice: number
  /** How many days ahead it may be made. */
  readonly windowDays: number
  readonly requiresBay: boolean
  /** Bays it can be done at; any when empty. */
  readonly bayTypes: readonly string[]
  readonly requiresStaff: boolean
  /** What whoever does it must all be able to do. */
  readonly specialties: readonly string[]
  /** Seats of one start; 1 is a booking of one's own. */
  readonly seats: number
  /** Whether it may go on after closing. */
  readonly mayCrossClosing: boolean
}

/** Somebody who works at a venue. */
export type Staff = {
  readonly did: string
  readonly isActive: boolean
  readonly specialties: readonly string[]
  /** Their own hours; those of the venue where there are none. */
  readonly hours?: Hours | undefined
  readonly assignedBay?: string | undefined
  readonly canFloatBays: boolean
  /** How many bookings they take on one day. */
  readonly dailyMax?: number | undefined
}

/** All that decides when something can be booked at a venue, beside what is taken already. */
export type Plan = {
  readonly venue: string
  readonly zone: string
  readonly hours: Hours
  /** Kept clear around every booking, in minutes. */
  readonly buffer: number
  readonly bays: readonly Bay[]
  readonly staff: readonly Staff[]
  /** When nothing is booked at all. */
  readonly blackouts: readonly Span[]
  /** When somebody is away, by DID. */
  readonly timeOff: ReadonlyMap<string, readonly Span[]>
}

/** Buffers of a service at a venue: the larger of its own and the venue's (`domain.md` D-63). */
export function timingOf(plan: Pick<Plan, 'buffer'>, service: Service): Timing {
  const { duration } = service
  const [before, after] = [service.before, service.after].map((own) => Math.max(own, plan.buffer))
  return { duration, before: before!, after: after! }
}

/** What a booking of a service takes at a start. */
export function bookingAt(plan: Pick<Plan, 'buffer'>, service: Service, start: number) {
  return busyAt(start, timingOf(plan, service))
}
