import { type Change, unchanged } from '../commerce/change.ts'
import { setOrderStatus } from '../commerce/fulfil-order.ts'
import type { Deciding, Decision } from '../business/transact.ts'
import { type Destination, taxRateOf } from '../catalogue/store-terms.ts'
import type { CustomerSpace, Who } from '../business/customers.ts'
import { type AppointmentLine, appointmentTotals } from '../commerce/order-for-appointment.ts'
import { commissionOf } from '../money/commission.ts'
import { type Changed, changeOrder, orderAtOf } from './change-order.ts'
import { storeOf } from './find-goods.ts'
import { type Placed, placed } from './place.ts'

/** What is to be paid for an appointment. */
export type AppointmentWish = {
  /** The space of the customer, as `customerOf` gave it; its writes are the caller's. */
  readonly customer: CustomerSpace
  readonly who: Who
  /** The uri of the appointment that is made in the same decision. */
  readonly appointment: string
  /** Taxed as the store says for where it takes place, unless its tax is said. */
  readonly line: Omit<AppointmentLine, 'taxBp'> & { readonly taxBp?: number }
  /** Where it takes place. */
  readonly where?: Destination | undefined
  /** ISO 4217 code in upper case. */
  readonly currency: string
  /** What is to be paid in advance, in minor units; all of it when absent. */
  readonly deposit?: number | undefined
  /** Whether nothing has to be paid in advance. */
  readonly payLater?: boolean | undefined
  /** Who does the work and earns by it, at which rate. */
  readonly performer?:
    | { readonly did: string; readonly rateBp: number; readonly rule: string }
    | undefined
  /** Where the booking came from (`domain.md` N-03). */
  readonly source?: string | undefined
  readonly contact?: { readonly name?: string; readonly email?: string; readonly phone?: string }
  readonly by: Decision<unknown>['by']
}

/** Places the order that pays for an appointment, within the decision that makes the appointment:
 *  take its writes and jobs over into that decision. It is an order like any other: it is paid with
 *  `payOrder`, cancelled, and refunded. It keeps its reservation for 15 minutes. */
export async function placeAppointmentOrder(
  d: Deciding,
  wish: AppointmentWish,
): Promise<Decision<Placed>> {
  const store = await storeOf(d.tx, d.tenant)
  const { pricesIncludeTax: taxIncluded = false } = store.settings
  const { performer, where = {}, source = 'system_generated' } = wish
  const taxBp = taxRateOf(store.settings, {}, where)?.rateBp ?? 0
  const line = { taxBp, ...wish.line }
  const totals = appointmentTotals(line, taxIncluded)
  const [sums] = totals.lines
  const net = sums!.totalPrice - (taxIncluded ? sums!.tax : 0)
  const commissions = performer
    ? [
        {
          party: performer.did as `did:${string}:${string}`,
          line: 'l1',
          amount: commissionOf(net, performer.rateBp),
          rateBp: performer.rateBp,
          rule: performer.rule,
        },
      ]
    : []
  const item = {
    id: 'l1',
    product: line.product,
    quantity: line.quantity,
    unitPrice: line.unitPrice,
    totalPrice: sums!.totalPrice,
    discount: 0,
    taxBp: line.taxBp,
    tax: sums!.tax,
    fulfilment: 'service',
    productSnapshot: { title: line.title },
  }
  return placed(d, {
    customer: { ...wish.customer, writes: [] },
    who: wish.who,
    store,
    priced: {
      currency: wish.currency,
      lines: [item],
      totals,
      taxIncluded,
      offers: [],
      shippingMethod: undefined,
      nets: [net],
    },
    commissions,
    source,
    more: {
      kind: 'appointment',
      appointment: wish.appointment,
      ...(wish.contact && { contact: wish.contact }),
    },
    by: wish.by,
    payLater: wish.payLater === true,
    dueNow: wish.deposit,
  })
}

/** Completes the order of an appointment that took place, and with that the commission of who did
 *  the work. Nothing happens to one that is not worked on. */
export function completeAppointmentOrder(d: Deciding, order: string): Promise<Changed<Change>> {
  return changeOrder(d, orderAtOf(order), (file, at) =>
    ['processing', 'delivered'].includes(file.order.status)
      ? setOrderStatus(file, { to: 'completed' }, at)
      : unchanged(file),
  )
}
