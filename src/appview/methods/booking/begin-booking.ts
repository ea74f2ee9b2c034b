import type { Jobs } from '../../../jobs/jobs.ts'
import type { Acting } from '../../act.ts'
import type { Log } from '../../../log.ts'
import type { Transact } from '../../business/transact.ts'
import {
  MIRROR_EVENT,
  PROMOTE,
  mirrorEvent,
  promoteAll,
  promoteWaiting,
} from '../enterprise/event-jobs.ts'
import {
  TELL_ATTENDEE,
  TELL_ATTENDEES,
  tellAttendee,
  tellAttendees,
} from '../enterprise/tell-attendees.ts'
import { cancelUnpaid } from './cancel-unpaid.ts'
import { expireEntries } from './expire-entries.ts'
import { realign } from './realign.ts'
import { REMIND, type Reminder, remind } from './reminders.ts'
import {
  type Freed,
  OFFER,
  TELL_WAITING,
  type WaitingLetter,
  offerStart,
  tellWaiting,
} from './waitlist-offers.ts'
import { type CustomerTelling, TELL_CUSTOMER, tellCustomer } from './tell-customer.ts'

type Deps = CustomerTelling &
  Pick<Acting, 'writer' | 'clock'> & { readonly transact: Transact; readonly log: Log }

/** Begins what is done for bookings beside requests: reminders, and what customers are told. */
export async function beginBooking(jobs: Pick<Jobs, 'work' | 'every'>, deps: Deps): Promise<void> {
  await jobs.work(REMIND, (data) => remind(deps.transact, data as Reminder))
  const moved = await realign(deps)
  if (moved > 0) deps.log.info({ moved }, 'moved appointments whose clocks were changed')
  await jobs.every('waitlist-times', '*/15 * * * *', () => expireEntries(deps))
  await jobs.every('unpaid-appointments', '* * * * *', () => cancelUnpaid(deps))
  await jobs.work(OFFER, (data) => offerStart(deps.transact, data as Freed))
  await jobs.work(TELL_WAITING, (data) => tellWaiting(deps.sendMail, data as WaitingLetter))
  await jobs.work(TELL_CUSTOMER, (data) =>
    tellCustomer(deps, data as Parameters<typeof tellCustomer>[1]),
  )
  await jobs.every('event-places', '* * * * *', () => promoteAll(deps))
  await jobs.work(PROMOTE, (data) =>
    promoteWaiting(deps, data as Parameters<typeof mirrorEvent>[1]),
  )
  await jobs.work(MIRROR_EVENT, (data) =>
    mirrorEvent(deps, data as Parameters<typeof mirrorEvent>[1]),
  )
  await jobs.work(TELL_ATTENDEES, (data) =>
    tellAttendees(deps, data as Parameters<typeof tellAttendees>[1]),
  )
  await jobs.work(TELL_ATTENDEE, (data) =>
    tellAttendee(deps, data as Parameters<typeof tellAttendee>[1]),
  )
}
