import type { co } from '../../lexicons/index.ts'
import { type CancellationPolicy, type Settlement, cancelled, missed } from './cancellation.ts'
import { localOf, wire } from './local-time.ts'

/** An appointment as its record has it. */
export type Appointment = Omit<co.kendev.booking.appointment.Main, '$type'>
type Change = co.kendev.booking.appointment.Change

/** Who changes it, and when; milliseconds. */
export type Changing = {
  readonly now: number
  readonly by: 'customer' | 'staff' | 'system'
  readonly reason?: string | undefined
}

const MINUTE = 60_000
const DAY = 86_400_000
/** How long after its start somebody counts as missing (`domain.md` SM-04). */
export const NO_SHOW_AFTER = 10 * MINUTE
/** How long an outcome can be corrected. */
export const CORRECTED_WITHIN = 7 * DAY
/** How long before its start a customer can be there. */
const CHECK_IN_BEFORE = 2 * 60 * MINUTE
const HISTORY_MAX = 100

/** Why something cannot be done to an appointment yet or any more, as its methods name it. */
export type Refused = 'TooEarly' | 'TooLate' | 'NotAllowed'

/** What was agreed about giving it back; what is not said is free until a day before. */
export function policyOf({ bookingSettings = {} }: Appointment): CancellationPolicy {
  return {
    allowCancellation: bookingSettings.allowCancellation ?? true,
    allowRescheduling: bookingSettings.allowRescheduling ?? true,
    cutOff: bookingSettings.cutOff ?? 24 * 60,
    lateFeeBp: bookingSettings.lateFeeBp,
    noShowFeeBp: bookingSettings.noShowFeeBp,
  }
}

/** Confirms one that waited. */
export function confirm(a: Appointment, c: Changing): Appointment {
  return changed(a, c, { action: 'confirmed', becomes: { status: 'confirmed' } })
}

/** Cancels it, with what that comes to of what was `paid`; or says why it cannot be. */
export function cancel(a: Appointment, c: Changing, paid: number): Appointment | Refused {
  const by = c.by === 'customer' ? 'customer' : 'staff'
  const start = Date.parse(a.startTime)
  const price = a.service?.price?.amount ?? 0
  const sums = cancelled({ policy: policyOf(a), start, now: c.now, price, paid, by })
  if (typeof sums === 'string') return sums
  return ended(a, c, { action: 'cancelled', status: 'cancelled', sums })
}

/** Moves it; its price and history stay, reminders begin anew. */
export function reschedule(
  a: Appointment,
  c: Changing,
  to: { start: number; bayAssignment?: Appointment['bayAssignment']; organizer: string },
): Appointment {
  const length = Date.parse(a.endTime) - Date.parse(a.startTime)
  const { bayAssignment = a.bayAssignment, organizer } = to
  return changed(a, c, {
    action: 'rescheduled',
    before: a.startTime,
    becomes: {
      startTime: wire(to.start) as Appointment['startTime'],
      endTime: wire(to.start + length) as Appointment['endTime'],
      localStart: localOf(to.start, a.timezone),
      organizer: organizer as Appointment['organizer'],
      ...(bayAssignment && { bayAssignment }),
      remindersSent: [],
    },
    moves: true,
  })
}

/** Notes that it took place, not before it has begun. */
export function complete(a: Appointment, c: Changing): Appointment | Refused {
  if (c.now < Date.parse(a.startTime)) return 'TooEarly'
  return changed(a, c, { action: 'completed', becomes: { status: 'completed' } })
}

/** Notes that the customer did not come, from ten minutes after its start. */
export function miss(a: Appointment, c: Changing, paid: number): Appointment | Refused {
  if (c.now < Date.parse(a.startTime) + NO_SHOW_AFTER) return 'TooEarly'
  const price = a.service?.price?.amount ?? 0
  const sums = missed({ policy: policyOf(a), price, paid })
  return ended(a, c, { action: 'no_show', status: 'no_show', sums })
}

/** Notes that the customer is there; once. */
export function checkIn(a: Appointment, c: Changing): Appointment | Refused {
  if (c.now < Date.parse(a.startTime) - CHECK_IN_BEFORE) return 'TooEarly'
  const checkedInAt = wire(c.now) as Appointment['createdAt']
  return changed(a, c, { action: 'checked_in', becomes: { checkedInAt } })
}

/** Makes what took place something missed, or the other way round, within a week of the end. */
export function correct(
  a: Appointment,
  c: Changing,
  { to, paid }: { to: 'completed' | 'no_show'; paid: number },
): Appointment | Refused {
  if (c.now > Date.parse(a.endTime) + CORRECTED_WITHIN) return 'TooLate'
  const { settlement: _, ...rest } = a
  const price = a.service?.price?.amount ?? 0
  const sums = missed({ policy: policyOf(a), price, paid })
  const becomes = { status: to, ...(to === 'no_show' && { settlement: sums }) }
  return changed(rest, c, { action: 'corrected', becomes })
}

/** What was earned of it, in minor units: its price when it took place, what was kept of it when
 *  the customer did not come, nothing before (`domain.md` D-61). */
export function earnedOf(a: Appointment): number {
  if (a.status === 'completed') return a.service?.price?.amount ?? 0
  return a.status === 'no_show' ? (a.settlement?.fee ?? 0) : 0
}

function ended(
  a: Appointment,
  c: Changing,
  { action, status, sums }: { action: string; status: string; sums: Settlement },
): Appointment {
  const becomes = { status, settlement: sums, ...(c.reason && { statusReason: c.reason }) }
  return changed(a, c, { action, becomes, moves: status === 'cancelled' })
}

/** The record after a change: noted in its history, and for calendars under a higher number when it
 *  is another time or none. */
function changed(
  a: Appointment,
  { now, by, reason }: Changing,
  what: { action: string; becomes: Partial<Appointment>; before?: string; moves?: boolean },
): Appointment {
  const at = wire(now) as Appointment['createdAt']
  const startTime = what.before as Change['startTime']
  const change: Change = {
    at,
    action: what.action,
    by,
    ...(startTime !== undefined && { startTime }),
    ...(reason !== undefined && { reason }),
  }
  return {
    ...a,
    ...what.becomes,
    sequence: a.sequence + (what.moves ? 1 : 0),
    history: [...(a.history ?? []), change].slice(-HISTORY_MAX),
    updatedAt: at,
  }
}
