import { type At, advance, isEnded } from './advance.ts'
import {
  type Change,
  type OrderNotice,
  type ProviderTask,
  andThen,
  changeTo,
  promisedOf,
  refuse,
  unchanged,
} from './change.ts'
import {
  type OrderFile,
  type Payment,
  capturedOf,
  changed,
  isCaptured,
  partOf,
  standing,
  total,
} from './order-file.ts'
import { taxIn, taxOfRefund } from './ledger.ts'

const DAY = 86_400_000
/** How long an authorization holds when it is not captured (`domain.md` SM-02). */
export const AUTHORIZATION_MS = 7 * DAY

/** Begins a payment: it is kept before anybody is asked for money. Throws `OrderEnded`,
 *  `ReservationExpired`, `PaymentInProgress`, `NothingDue` and `TooMuch`. */
export function startPayment(
  file: OrderFile,
  { method, amount }: { method: string; amount?: number | undefined },
  at: At,
): Change & { payment: Payment } {
  const { order, payments } = file
  if (isEnded(file)) refuse('OrderEnded', `The order is ${order.status}: place a new one.`)
  if (order.status === 'pending' && isReservationOver(file, at.now))
    refuse('ReservationExpired', 'What was reserved is free again: place the order anew.')
  if (payments.some(({ status }) => status === 'pending'))
    refuse('PaymentInProgress', 'A payment is under way: wait for how it ends.')
  const promised = promisedOf(file)
  const open = order.totalAmount - promised
  if (open <= 0) refuse('NothingDue', 'Nothing is due: it is paid already.')
  const first = order.dueNow - promised
  const asked = amount ?? (first > 0 ? first : open)
  if (asked > open || asked < 1) refuse('TooMuch', `Pay between 1 and ${open}: so much is open.`)
  const payment = { id: at.nextId(), amount: asked, method, status: 'pending' }
  return { ...changeTo(file, { ...file, payments: [...payments, payment] }), payment }
}

/** The provider holds the money for us. On an order that has ended it is let go again. */
export function paymentAuthorized(file: OrderFile, id: string, at: At): Change {
  const payment = partOf(file.payments, id)
  if (isCaptured(payment) || payment.status === 'authorized') return unchanged(file)
  if (payment.failureReason === 'voided' || payment.failureReason === 'expired')
    return { ...unchanged(file), tasks: [voiding(payment)] }
  const next = withPayment(file, id, {
    status: 'authorized',
    failureReason: undefined,
    authorizedAt: at.now.toISOString(),
    expiresAt: new Date(+at.now + AUTHORIZATION_MS).toISOString(),
  })
  if (isEnded(file)) return changeTo(file, next, { tasks: [voiding(payment)] })
  return changeTo(file, advance(next, at), { notices: begun(file, next, at) })
}

/**
 * The money came. What comes after the order has ended, or beyond what it costs, goes back by
 * itself, and the staff is told (`domain.md` SM-02). `fee` is what the provider keeps.
 */
export function paymentCaptured(
  file: OrderFile,
  { id, fee }: { id: string; fee?: number | undefined },
  at: At,
): Change {
  const payment = partOf(file.payments, id)
  if (isCaptured(payment)) return withFee(file, payment, fee)
  const now = at.now.toISOString()
  const paid = withPayment(file, id, {
    status: 'captured',
    failureReason: undefined,
    capturedAt: now,
  })
  const order = { ...paid.order, paymentProcessedAt: paid.order.paymentProcessedAt ?? now }
  const next = { ...paid, order }
  const isTooMuch = capturedOf(next) - overpaid(file) > file.order.totalAmount
  if (isEnded(file) || isTooMuch) {
    const late = changeTo(file, next, { kind: 'capture', notices: [tellStaff('paymentLate')] })
    const reason = isTooMuch ? 'overpaid' : 'late'
    return andThen(feeAfter(late, id, fee), (one) => sendBack(one, { payment: id, reason }, at))
  }
  const change = changeTo(file, advance(next, at), {
    kind: 'capture',
    notices: [...begun(file, next, at), { kind: 'orderPaid', to: 'customer' }],
  })
  return feeAfter(change, id, fee)
}

/** No money comes: declined, given up, or the provider failed. What has come is not touched. */
export function paymentFailed(
  file: OrderFile,
  { id, reason }: { id: string; reason: string },
): Change {
  const { status } = partOf(file.payments, id)
  if (!['pending', 'authorized'].includes(status)) return unchanged(file)
  const isSilent = isEnded(file) || ['voided', 'expired'].includes(reason)
  return changeTo(file, withPayment(file, id, { status: 'failed', failureReason: reason }), {
    notices: isSilent ? [] : [{ kind: 'paymentFailed', to: 'customer' }],
  })
}

/** What may be let go: throws `AlreadyCaptured` and `NothingHeld`. */
export function requireHeld(file: OrderFile, id: string): Payment {
  const payment = partOf(file.payments, id)
  if (isCaptured(payment)) refuse('AlreadyCaptured', 'The money has come: refund it instead.')
  if (payment.status === 'failed') refuse('NothingHeld', 'Nothing is held: the payment has failed.')
  return payment
}

/** Ends authorizations whose time is over, and lets the provider know. */
export function expirePayments(file: OrderFile, at: At): Change {
  const over = file.payments.filter(
    ({ status, expiresAt }) =>
      status === 'authorized' && expiresAt !== undefined && new Date(expiresAt) <= at.now,
  )
  if (over.length === 0) return unchanged(file)
  const ids = new Set(over.map(({ id }) => id))
  const payments = file.payments.map((payment) =>
    ids.has(payment.id) ? { ...payment, status: 'failed', failureReason: 'expired' } : payment,
  )
  return changeTo(
    file,
    { ...file, payments },
    {
      tasks: over.map(voiding),
      notices: isEnded(file) ? [] : [tellStaff('paymentExpired')],
    },
  )
}

/** Whether what was reserved for an order is free again. */
export function isReservationOver({ order }: Pick<OrderFile, 'order'>, now: Date): boolean {
  return order.reservedUntil !== undefined && new Date(order.reservedUntil) <= now
}

/** Gives all that is left of a payment back, without anybody's asking. */
export function sendBack(
  file: OrderFile,
  { payment, reason }: { payment: string; reason: string },
  at: At,
): Change {
  const mine = standing(file.refunds).filter((refund) => refund.payment === payment)
  const amount = partOf(file.payments, payment).amount - total(mine, (refund) => refund.amount)
  if (amount <= 0) return unchanged(file)
  const captured = capturedOf(file)
  const brought = taxIn(file.order, captured) - taxIn(file.order, captured - amount)
  const refund = {
    id: at.nextId(),
    payment,
    amount,
    tax: taxOfRefund(file, amount, brought),
    shipping: 0,
    lines: [],
    reason,
    status: 'pending',
    requestedAt: at.now.toISOString(),
  }
  return changeTo(
    file,
    { ...file, refunds: [...file.refunds, refund] },
    {
      kind: 'refund',
      tasks: [{ ask: 'refund', payment, refund: refund.id, amount, key: refund.id }],
    },
  )
}

/** The request to let a payment go. */
export function voiding({ id, amount }: Payment): ProviderTask {
  return { ask: 'void', payment: id, amount, key: `void-${id}` }
}

function withPayment(file: OrderFile, id: string, change: Partial<Payment>): OrderFile {
  return { ...file, payments: changed(file.payments, id, change) }
}

function withFee(file: OrderFile, payment: Payment, fee: number | undefined): Change {
  if (fee === undefined || payment.fee !== undefined) return unchanged(file)
  return changeTo(file, withPayment(file, payment.id, { fee }), { kind: 'providerFee' })
}

function feeAfter(change: Change, id: string, fee: number | undefined): Change {
  return andThen(change, (file) => withFee(file, partOf(file.payments, id), fee))
}

function begun(before: OrderFile, next: OrderFile, at: At): OrderNotice[] {
  const isBegun = before.order.status === 'pending' && advance(next, at).order.status !== 'pending'
  return isBegun ? [{ kind: 'orderConfirmed', to: 'customer' }, tellStaff('orderConfirmed')] : []
}

function overpaid(file: OrderFile): number {
  const back = standing(file.refunds).filter(({ reason }) => reason === 'overpaid')
  return total(back, ({ amount }) => amount)
}

function tellStaff(kind: string): OrderNotice {
  return { kind, to: 'staff' }
}
