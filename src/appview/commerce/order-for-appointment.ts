import { type Totals, orderTotals } from '../money/order-totals.ts'
import { refuse } from './change.ts'

/** The work that an appointment is for, as a line of the order that pays for it. The order itself
 *  is placed by `placeAppointmentOrder` of `../orders/appointment-order.ts`, within the decision
 *  that makes the appointment. */
export type AppointmentLine = {
  /** The uri of the product, or of the venue whose service it is. */
  readonly product: string
  readonly title: string
  readonly quantity: number
  /** In minor units. */
  readonly unitPrice: number
  /** In basis points. */
  readonly taxBp: number
}

/** What it comes to. Throws `TooMuch` for more than can be reckoned. */
export function appointmentTotals(line: AppointmentLine, taxIncluded: boolean): Totals {
  try {
    return orderTotals([line], { taxIncluded })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return refuse('TooMuch', 'This comes to more than can be reckoned.')
  }
}
