import type { co } from '../../../lexicons/index.ts'
import * as change from '../../booking/appointment-change.ts'
import { unmovable } from '../../booking/cancellation.ts'
import { type Becomes, type Decide, goes } from './change-appointment.ts'
import { startOf } from './choose-slot.ts'
import { completeFor, giveBack, paidFor } from './pay-appointment.ts'
import { freeUp, moveTo } from './move-appointment.ts'
import { reminderJobs } from './reminders.ts'
import { stillTaken } from './still-taken.ts'
import { waitlistJob } from './waitlist-offers.ts'

type To = Pick<
  co.kendev.booking.rescheduleAppointment.$InputBody,
  'startTime' | 'localStart' | 'staff' | 'bayId'
>

/** Cancels: what it took is free, what was paid goes back as was agreed, who waits is told. */
export const cancelling: Decide = async (d, standing, how) => {
  if (!goes(standing, 'cancelled')) return undefined
  const paid = await paidFor(d, standing, standing.record)
  const record = change.cancel(standing.record, how, paid)
  if (typeof record === 'string') return record
  await freeUp(d, standing)
  const also = await giveBack(d, standing, record)
  const jobs = [...also.jobs, waitlistJob(standing.tenant, record, d.nextTid())]
  return { record, also: { writes: also.writes, jobs }, news: 'cancelled' }
}

/** Moves: the new start is taken and the old one free, or nothing happens. */
export function rescheduling(to: To): Decide {
  return async (d, standing, how): Promise<Becomes | change.Refused> => {
    const { record, tenant } = standing
    // What can be cancelled can be moved; of the rest this says why not.
    if (!goes(standing, 'cancelled')) goes(standing, 'completed')
    const by = how.by === 'customer' ? 'customer' : 'staff'
    const policy = change.policyOf(record)
    const from = Date.parse(record.startTime)
    const why = unmovable({ policy, now: how.now, by, price: 0, paid: 0, start: from })
    if (why) return why
    const start = startOf(to, record.timezone)
    const { staff, bayId } = to
    const moved = await moveTo(d, standing, { target: { start, staff, bayId }, by })
    const becomes = change.reschedule(record, how, { ...moved, start })
    const freed = waitlistJob(tenant, record, d.nextTid())
    const jobs = [...reminderJobs(standing, becomes, d.now), freed]
    const also = { writes: [], jobs }
    return { record: becomes, notes: moved.notes, also, news: 'rescheduled' }
  }
}

/** Notes that the customer is there. */
export const checkingIn: Decide = async (_, { record }, how) => {
  if (record.checkedInAt !== undefined) return undefined
  if (record.status !== 'confirmed') goes({ record }, 'completed', 'confirmed')
  const becomes = change.checkIn(record, how)
  return typeof becomes === 'string' ? becomes : { record: becomes }
}

/** Confirms what waits, if it still has its start. */
export const confirming: Decide = async (d, standing, how) => {
  if (!goes(standing, 'confirmed')) return undefined
  await stillTaken(d, standing)
  return { record: change.confirm(standing.record, how), news: 'confirmed' }
}

/** Notes that it took place; the commission is earned, and the customer is asked how it was. */
export const completing: Decide = async (d, standing, how) => {
  if (!goes(standing, 'completed', 'confirmed')) return undefined
  const record = change.complete(standing.record, how)
  if (typeof record === 'string') return record
  return { record, news: 'feedback', ...(await completeFor(d, record)) }
}

/** Notes that the customer did not come; what was agreed is kept. */
export const missing: Decide = async (d, standing, how) => {
  if (!goes(standing, 'no_show', 'confirmed')) return undefined
  const record = change.miss(standing.record, how, await paidFor(d, standing, standing.record))
  if (typeof record === 'string') return record
  return { record, also: await giveBack(d, standing, record) }
}

/** Makes of one outcome the other. Money that has gone back stays where it is. */
export function correcting(to: 'completed' | 'no_show'): Decide {
  return async (d, standing, how) => {
    const from = to === 'completed' ? 'no_show' : 'completed'
    if (!goes(standing, to, from)) return undefined
    const paid = await paidFor(d, standing, standing.record)
    const record = change.correct(standing.record, how, { to, paid })
    return typeof record === 'string' ? record : { record }
  }
}
