import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { At } from '../../src/appview/commerce/advance.ts'
import type { Change } from '../../src/appview/commerce/change.ts'
import { setOrderStatus } from '../../src/appview/commerce/fulfil-order.ts'
import { type Entry, accountKey, balancesOf } from '../../src/appview/commerce/ledger.ts'
import { type OrderFile, capturedOf, standing } from '../../src/appview/commerce/order-file.ts'
import { placeOrder } from '../../src/appview/commerce/place-order.ts'
import {
  refundFailed,
  refundOrder,
  refundSucceeded,
} from '../../src/appview/commerce/refund-order.ts'
import { paymentCaptured, startPayment } from '../../src/appview/commerce/take-payment.ts'
import { termsOf } from '../../src/appview/commerce/terms.ts'
import { balances } from './pure-shop.ts'

const bp = fc.nat(10_000)
const price = fc.oneof(fc.nat(200), fc.nat(10_000_000))
const someLine = fc.record({
  quantity: fc.integer({ min: 1, max: 20 }),
  unitPrice: price,
  taxBp: fc.constantFrom(0, 700, 1_900, 2_555, 10_000),
  rateBp: bp,
  party: fc.constantFrom('ben', 'cleo'),
})
const someOrder = fc.record({
  lines: fc.array(someLine, { minLength: 1, maxLength: 5 }),
  discount: fc.oneof(fc.constant(0), price),
  shipping: fc.oneof(fc.constant(0), fc.nat(5_000)),
  deposit: fc.option(fc.nat(10_000)),
  taxIncluded: fc.boolean(),
  base: fc.constantFrom('net_of_tax' as const, 'total' as const, 'fee' as const),
  feeBp: fc.integer({ min: 800, max: 3_000 }),
})
/** A refund: a part of what can go back, or units of a line, or of the shipping. */
const someRefund = fc.record({
  kind: fc.constantFrom('amount', 'line', 'shipping'),
  share: fc.integer({ min: 1, max: 1_000 }),
  which: fc.nat(4),
  isFailing: fc.boolean(),
  isSettledLate: fc.boolean(),
})
type SomeOrder = typeof someOrder extends fc.Arbitrary<infer T> ? T : never
type SomeRefund = typeof someRefund extends fc.Arbitrary<infer T> ? T : never

/**
 * What holds of the money of any order: it adds up to its lines, every entry is balanced, what the
 * entries come to is what the order says, never more goes back than came, and once all of it is
 * back nobody has a unit of it. Throws with the smallest order that is different.
 */
export function checkMoney({ seed, runs }: { seed: number; runs: number }): void {
  const refunds = fc.array(someRefund, { maxLength: 12 })
  fc.assert(
    fc.property(someOrder, refunds, fc.boolean(), (order, backs, isCompleted) =>
      new Books(order).live(backs, isCompleted),
    ),
    { seed, numRuns: runs },
  )
}

/** An order, and the entries that were made about it. */
class Books {
  file: OrderFile
  readonly entries: Entry[] = []
  #ids = 0
  readonly #at: At = {
    now: new Date('2026-11-27T10:00:00Z'),
    nextId: () => `id${(this.#ids += 1)}`,
  }

  constructor({ lines, discount, shipping, deposit, taxIncluded, base, feeBp }: SomeOrder) {
    const fee = base === 'fee' ? { part: feeBp, whole: 10_000 } : undefined
    const terms = termsOf({
      ...(base === 'fee' ? { fee } : { base }),
      earnings: lines.map(({ quantity, unitPrice, rateBp, party }) => ({
        net: quantity * unitPrice,
        party,
        rateBp,
      })),
    })
    const wanted = lines.map(({ quantity, unitPrice, taxBp }, n) => {
      return { id: `l${n}`, quantity, unitPrice, taxBp, method: 'service' as const }
    })
    const more = { taxIncluded, ...(deposit !== null && { dueNow: deposit }) }
    this.file = placeOrder(
      { lines: wanted, currency: 'EUR', discount, shipping, terms, ...more },
      this.#at,
    ).file
    const { order } = this.file
    const of = (figure: 'totalPrice' | 'discount' | 'tax') =>
      order.lines.reduce((all, line) => all + line[figure], 0)
    deepEqual(
      [of('totalPrice'), of('discount'), of('tax')],
      [order.subtotal, order.discountAmount, order.taxAmount],
    )
    const tax = taxIncluded ? 0 : order.taxAmount
    equal(order.totalAmount, order.subtotal - order.discountAmount + tax + shipping)
  }

  live(backs: readonly SomeRefund[], isCompleted: boolean): void {
    const { totalAmount, dueNow } = this.file.order
    if (totalAmount === 0) return
    this.#pay(dueNow > 0 ? dueNow : totalAmount)
    for (const [n, back] of backs.entries()) {
      if (n === 2) this.#payRest()
      if (n === 4 && isCompleted) this.#complete()
      this.#back(back)
    }
    this.#payRest()
    for (const { id, status } of this.file.refunds)
      if (status === 'pending') this.#take(refundSucceeded(this.file, id, this.#at))
    for (const payment of this.file.payments) {
      const gone = standing(this.file.refunds).filter((one) => one.payment === payment.id)
      const amount = payment.amount - gone.reduce((all, one) => all + one.amount, 0)
      if (amount === 0) continue
      const asked = refundOrder(this.file, { amount, payment: payment.id }, this.#at)
      this.#take(asked)
      this.#take(refundSucceeded(this.file, asked.refund.id, this.#at))
    }
    equal(this.file.order.status, 'refunded')
    const left = [...balances(this.entries)].filter(([, amount]) => amount !== 0)
    deepEqual(left, [])
  }

  #pay(amount: number): void {
    const begun = startPayment(this.file, { method: 'card', amount }, this.#at)
    this.#take(begun)
    this.#take(paymentCaptured(this.file, { id: begun.payment.id }, this.#at))
  }

  #payRest(): void {
    const open = this.file.order.totalAmount - capturedOf(this.file)
    if (open > 0 && this.file.order.status !== 'refunded') this.#pay(open)
  }

  #complete(): void {
    if (this.file.order.status === 'processing')
      this.#take(setOrderStatus(this.file, { to: 'completed' }, this.#at))
  }

  #back({ kind, share, which, isFailing, isSettledLate }: SomeRefund): void {
    const asked = this.#asked({ kind, share, which })
    if (!asked) return
    this.#take(asked)
    ok(asked.refund.tax >= 0 && asked.refund.tax <= asked.refund.amount)
    const { id } = asked.refund
    if (isFailing) this.#take(refundFailed(this.file, { id, reason: 'closed' }, this.#at))
    else if (!isSettledLate) this.#take(refundSucceeded(this.file, id, this.#at))
  }

  #asked({ kind, share, which }: Pick<SomeRefund, 'kind' | 'share' | 'which'>) {
    const { order, refunds } = this.file
    const line = order.lines[which % order.lines.length]!
    const left = capturedOf(this.file) - standing(refunds).reduce((all, one) => all + one.amount, 0)
    const wishes = {
      amount: { amount: Math.ceil((left * share) / 1_000) },
      line: { lines: [{ line: line.id, quantity: 1 + (share % line.quantity) }] },
      shipping: { shipping: Math.ceil((order.shippingAmount * share) / 1_000) },
    }
    try {
      return refundOrder(this.file, wishes[kind as keyof typeof wishes], this.#at)
    } catch {
      // Refused: more than there is. Nothing has happened then, which is looked at in the end.
      return undefined
    }
  }

  #take(change: Change): void {
    this.file = change.file
    this.entries.push(...change.entries)
    const booked = balances(change.entries)
    const said = balancesOf(this.file)
    const sum = balances(this.entries)
    for (const [key, { amount }] of said) equal(sum.get(key) ?? 0, amount)
    equal(
      [...booked.values()].reduce((all, amount) => all + amount, 0),
      0,
    )
    const back = standing(this.file.refunds).reduce((all, one) => all + one.amount, 0)
    ok(back <= capturedOf(this.file), 'more goes back than came')
    for (const { postings } of change.entries)
      equal(new Set(postings.map(accountKey)).size, postings.length)
  }
}
