import type { Jobs } from '../../../jobs/jobs.ts'
import type { Transact } from '../../business/transact.ts'
import { REMIND, type Reminder, remind } from './reminders.ts'
import { type CustomerTelling, TELL_CUSTOMER, tellCustomer } from './tell-customer.ts'

type Deps = CustomerTelling & { readonly transact: Transact }

/** Begins what is done for bookings beside requests: reminders, and what customers are told. */
export async function beginBooking(jobs: Pick<Jobs, 'work'>, deps: Deps): Promise<void> {
  await jobs.work(REMIND, (data) => remind(deps.transact, data as Reminder))
  await jobs.work(TELL_CUSTOMER, (data) =>
    tellCustomer(deps, data as Parameters<typeof tellCustomer>[1]),
  )
}
