import { moveOf } from '../machine.ts'
import { halfUp } from '../money/amount.ts'
import { type At, advance } from './advance.ts'
import { type Change, changeTo, refuse, unchanged } from './change.ts'
import { sumsOf, taxOfRefund } from './ledger.ts'
import {
  type OrderFile,
  type OrderLine,
  type Refund,
  type RefundLine,
  changed,
  isCaptured,
  partOf,
  standing,
  total,
  unitsOf,
} from './order-file.ts'
import { refundMachine } from './order-machines.ts'

/** What is to go back: units of lines, of the shipping, an amount beside them. */
export type RefundWish = {
  readonly lines?: readonly {
    readonly line: string
    readonly quantity: number
    readonly restock?: boolean | undefined
  }[]
  readonly shipping?: number | undefined
  readonly amount?: number | undefined
  readonly payment?: string | undefined
  readonly reason?: string | undefined
}

/**
 * Asks for money to go back. It is `pending` until the provider confirms it, and counts at once
 * against what can still go back, so that no two refunds together are more than what came. Throws
 * `NothingPaid`, `UnknownLine`, `TooMany`, `BeingPacked`, `NothingToRefund`, `RefundTooLarge` and
 * `SplitRefund`.
 */
export function refundOrder(
  file: OrderFile,
  wish: RefundWish,
  at: At,
): Change & { refund: Refund } {
  const { captured, capturedTax, refunded, refundedTax } = sumsOf(file)
  if (captured === 0) refuse('NothingPaid', 'Nothing has been paid: cancel the order instead.')
  if (file.order.status === 'pending')
    refuse('NothingPaid', 'It is not paid whole yet: cancel the order instead.')
  const lines = (wish.lines ?? []).map((one, n, all) => {
    if (all.findIndex(({ line }) => line === one.line) !== n)
      refuse('UnknownLine', 'Name each line of the order once.')
    return refundLine(file, one)
  })
  const [shipping, beside] = [shippingBack(file, wish.shipping ?? 0), wish.amount ?? 0]
  const amount = total(lines, (line) => line.amount) + shipping + beside
  if (amount < 1) refuse('NothingToRefund', 'Say what goes back: lines, shipping or an amount.')
  const left = captured - refunded
  if (amount > left) refuse('RefundTooLarge', `At most ${left} can still go back, not ${amount}.`)
  const leftTax = capturedTax - refundedTax
  const wanted =
    total(lines, (line) => line.tax) + halfUp(BigInt(beside) * BigInt(leftTax), BigInt(left))
  const tax = taxOfRefund(file, amount, wanted)
  const payment = paymentFor(file, amount, wish.payment)
  const refund: Refund = {
    id: at.nextId(),
    payment,
    amount,
    tax,
    shipping,
    lines,
    reason: wish.reason ?? 'requested',
    status: 'pending',
    requestedAt: at.now.toISOString(),
  }
  const task = { ask: 'refund', payment, refund: refund.id, amount, key: refund.id } as const
  const next = { ...file, refunds: [...file.refunds, refund] }
  return { ...changeTo(file, next, { kind: 'refund', tasks: [task] }), refund }
}

/** The provider has sent the money back. Told twice, it happens once. */
export function refundSucceeded(file: OrderFile, id: string, at: At): Change {
  const next = settle(file, id, { to: 'succeeded' }, at)
  if (!next) return unchanged(file)
  return changeTo(file, advance(next, at), {
    kind: 'refundPaid',
    notices: [{ kind: 'orderRefunded', to: 'customer' }],
  })
}

/** The provider did not send it: what was asked for can be asked for again. */
export function refundFailed(
  file: OrderFile,
  { id, reason }: { id: string; reason: string },
  at: At,
): Change {
  const next = settle(file, id, { to: 'failed', reason }, at)
  if (!next) return unchanged(file)
  return changeTo(file, next, {
    kind: 'refundFailed',
    notices: [{ kind: 'refundFailed', to: 'staff' }],
  })
}

function settle(
  file: OrderFile,
  id: string,
  { to, reason }: { to: string; reason?: string },
  { now }: At,
): OrderFile | undefined {
  if (!moveOf(refundMachine, partOf(file.refunds, id), { to })) return undefined
  const told = reason === undefined ? {} : { failureReason: reason }
  const settledAt = now.toISOString()
  return { ...file, refunds: changed(file.refunds, id, { status: to, settledAt, ...told }) }
}

/** Units not handed over yet go back first. What they come to is what all units paid back come to
 *  then, less what went back before, so that the last of them leaves nothing. */
function refundLine(
  file: OrderFile,
  { line: id, quantity, restock = false }: NonNullable<RefundWish['lines']>[number],
): RefundLine {
  const line = file.order.lines.find((one) => one.id === id)
  if (!line) return refuse('UnknownLine', `There is no line ${id} in this order.`)
  const before = standing(file.refunds).flatMap(({ lines }) => lines.filter((l) => l.line === id))
  const units = total(before, (one) => one.quantity)
  const left = line.quantity - units
  if (quantity < 1 || quantity > left)
    refuse('TooMany', `Of line ${id} at most ${left} can still be paid back.`)
  const { outstanding, handedOver, givenBack } = unitsOf(file, line)
  const unshipped = Math.min(quantity, outstanding)
  if (quantity - unshipped > handedOver - (units - givenBack))
    refuse('BeingPacked', 'Some of it is being packed: hand that over first.')
  const price = priceOf(line, file.order.taxIncluded === true)
  const [due, tax] = [
    portion(price, units + quantity, line.quantity),
    taxOf(line, units + quantity),
  ]
  const amount = Math.max(0, due - total(before, (one) => one.amount))
  const back = Math.max(0, tax - total(before, (one) => one.tax))
  return { line: id, quantity, unshipped, restock, amount, tax: Math.min(back, amount) }
}

/** What is paid for all units of a line. */
function priceOf(line: OrderLine, isTaxIncluded: boolean): number {
  return line.totalPrice - line.discount + (isTaxIncluded ? 0 : line.tax)
}

function taxOf(line: OrderLine, units: number): number {
  return portion(line.tax, units, line.quantity)
}

function portion(amount: number, part: number, whole: number): number {
  return Number((BigInt(amount) * BigInt(part)) / BigInt(whole))
}

function shippingBack(file: OrderFile, wanted: number): number {
  const left = file.order.shippingAmount - total(standing(file.refunds), ({ shipping }) => shipping)
  if (wanted > left) refuse('TooMany', `Of the shipping at most ${left} can still be paid back.`)
  return wanted
}

/** The payment it goes back by: one that still has so much, the one that was named. */
function paymentFor(file: OrderFile, amount: number, named: string | undefined): string {
  const left = file.payments
    .filter((payment) => isCaptured(payment) && (named === undefined || payment.id === named))
    .map(({ id, amount: paid }) => {
      const back = standing(file.refunds).filter(({ payment }) => payment === id)
      return { id, left: paid - total(back, (refund) => refund.amount) }
    })
  const found = left.find((payment) => payment.left >= amount)
  if (found) return found.id
  const most = Math.max(0, ...left.map((payment) => payment.left))
  return refuse('SplitRefund', `One payment holds at most ${most}: refund in parts.`)
}
