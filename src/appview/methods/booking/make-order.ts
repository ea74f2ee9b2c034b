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

/** How appointments are paid; without it they are booked and paid where they take place. */
export type Paying = {
  readonly makeOrder: MakeOrder
  /** What was paid with an order, in minor units, as the transaction sees it. */
  paidFor(d: Deciding, order: string): Promise<number>
  /** Gives back what is not kept of an order whose appointment has ended, and ends the order. */
  settle(
    d: Deciding,
    ended: { order: string; refund: number; kept: number; reason: string | undefined },
  ): Promise<{ writes: readonly TenantWrite[]; jobs?: readonly Job[] }>
}
