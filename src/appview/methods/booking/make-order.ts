import type { CustomerSpace } from '../../business/customers.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import type { Job } from '../../../jobs/jobs.ts'

/** What an appointment costs when it is booked. */
export type AppointmentCost = {
  readonly customer: CustomerSpace
  /** The account it is for; undefined for a guest. */
  readonly buyer: string | undefined
  readonly appointment: string
  readonly title: string
  readonly product: string | undefined
  /** What the service costs, and what of it is to be paid now; minor units. */
  readonly price: { readonly amount: number; readonly currency: string }
  readonly dueNow: number
}

/** Makes the order with which an appointment is paid, in the decision that stores the
 *  appointment. */
export type MakeOrder = (
  d: Deciding,
  cost: AppointmentCost,
) => Promise<{ uri: string; writes: readonly TenantWrite[]; jobs?: readonly Job[] }>

/** What was paid for an appointment with its order, in minor units, as the transaction sees it. */
export type PaidFor = (d: Deciding, order: string) => Promise<number>

/** How appointments are paid; without it they are booked and paid where they take place. */
export type Paying = { readonly makeOrder: MakeOrder; readonly paidFor: PaidFor }
