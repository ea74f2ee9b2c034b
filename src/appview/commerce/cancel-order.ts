import type { At } from './advance.ts'
import { type Change, andThen, changeTo, moved, promisedOf, refuse, unchanged } from './change.ts'
import { type OrderFile, isCaptured } from './order-file.ts'
import { RESERVATION_MS } from './place-order.ts'
import { isReservationOver, sendBack, voiding } from './take-payment.ts'

/** Cancels an order of which nothing was handed over: its stock is free, what is held is let go and
 *  what has come goes back. Cancelled again, nothing happens. Throws what `moveOf` throws. */
export function cancelOrder(file: OrderFile, { reason }: { reason: string }, at: At): Change {
  const next = moved(file, { to: 'cancelled' }, at.now)
  if (next === file) return unchanged(file)
  const open = file.payments.filter(({ status }) => ['pending', 'authorized'].includes(status))
  const order = { ...next.order, cancelReason: reason }
  const first = changeTo(
    file,
    { ...next, order },
    {
      tasks: open.map(voiding),
      notices: [
        { kind: 'orderCancelled', to: 'customer' },
        { kind: 'orderCancelled', to: 'staff' },
      ],
    },
  )
  const came = file.payments.filter(isCaptured)
  return came.reduce(
    (all, { id }) => andThen(all, (one) => sendBack(one, { payment: id, reason: 'cancelled' }, at)),
    first,
  )
}

/** Cancels an order whose reservation is over and that is not paid; any other stays as it is. */
export function expireReservation(file: OrderFile, at: At): Change {
  const { order } = file
  const isDue = order.status === 'pending' && isReservationOver(file, at.now)
  if (!isDue || (promisedOf(file) >= order.dueNow && order.dueNow > 0)) return unchanged(file)
  return cancelOrder(file, { reason: 'reservationExpired' }, at)
}

/** Keeps the stock of an order once more as long. Throws `NotReserved`, `ReservationExpired` and
 *  `AlreadyExtended`. */
export function extendReservation(file: OrderFile, at: At): Change {
  const { order } = file
  if (order.status !== 'pending' || order.reservedUntil === undefined)
    refuse('NotReserved', `The order is ${order.status}: nothing is kept for a time.`)
  if (isReservationOver(file, at.now))
    refuse('ReservationExpired', 'What was reserved is free again: place the order anew.')
  if (order.reservationExtended)
    refuse('AlreadyExtended', `It was extended once: pay before ${order.reservedUntil}.`)
  const reservedUntil = new Date(+new Date(order.reservedUntil) + RESERVATION_MS).toISOString()
  return changeTo(file, { ...file, order: { ...order, reservedUntil, reservationExtended: true } })
}
