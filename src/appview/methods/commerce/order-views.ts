import { feeDecision } from '../../collections/commerce/fee-decision.ts'
import { fulfilment } from '../../collections/commerce/fulfilment.ts'
import { orderNotes } from '../../collections/commerce/order-notes.ts'
import { order } from '../../collections/commerce/order.ts'
import { payment } from '../../collections/commerce/payment.ts'
import { payout } from '../../collections/commerce/payout.ts'
import { refund } from '../../collections/commerce/refund.ts'
import type { Collection, Row } from '../../define.ts'
import { present } from '../../look.ts'
import type { Asking } from '../../orders/order-access.ts'
import type { Paying } from '../../orders/provider-deeds.ts'
import { knownUri } from '../../reference.ts'
import type { Reading } from '../../serve.ts'

/** What methods about orders need. */
export type OrderDeps = Reading & Asking & Paying

/** The view of an order that somebody has changed, or come back to with a link. */
export const orderView = viewOf(order)
/** The view of a payment that somebody has changed. */
export const paymentView = viewOf(payment)
/** The view of a refund that somebody has changed. */
export const refundView = viewOf(refund)
/** The view of a fulfilment that somebody has changed. */
export const fulfilmentView = viewOf(fulfilment)
/** The view of a payout that somebody has changed. */
export const payoutView = viewOf(payout)
/** The view of a decision about a fee. */
export const feeDecisionView = viewOf(feeDecision)
/** The view of the notes about an order that somebody has changed. */
export const notesView = viewOf(orderNotes)

function viewOf(c: Collection) {
  return async (deps: OrderDeps, uri: string, viewer: string | undefined): Promise<object> => {
    const { rows } = await deps.sql.query<Row>(
      `select * from appview."${c.table}" where uri = $1`,
      [knownUri(uri)],
    )
    const looking = { sql: deps.sql, origin: deps.origin, ...(viewer !== undefined && { viewer }) }
    return (await present(c, rows, looking))[0]!
  }
}
