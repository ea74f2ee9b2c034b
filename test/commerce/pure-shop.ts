import { XRPCError } from '@atproto/xrpc-server'
import type { At } from '../../src/appview/commerce/advance.ts'
import {
  cancelOrder,
  expireReservation,
  extendReservation,
} from '../../src/appview/commerce/cancel-order.ts'
import { type Change, refuse } from '../../src/appview/commerce/change.ts'
import { fulfilOrder, setFulfilmentStatus } from '../../src/appview/commerce/fulfil-order.ts'
import { type Entry, accountKey } from '../../src/appview/commerce/ledger.ts'
import {
  type OrderFile,
  capturedOf,
  isHandedOver,
  unitsOf,
} from '../../src/appview/commerce/order-file.ts'
import { placeOrder } from '../../src/appview/commerce/place-order.ts'
import {
  refundFailed,
  refundOrder,
  refundSucceeded,
} from '../../src/appview/commerce/refund-order.ts'
import {
  expirePayments,
  paymentAuthorized,
  paymentCaptured,
  paymentFailed,
  startPayment,
} from '../../src/appview/commerce/take-payment.ts'
import { termsOf } from '../../src/appview/commerce/terms.ts'
import { type Done, GOODS, type PaymentEnd, type SeenStock, type Shop } from './shop.ts'

type Held = { file: OrderFile; entries: Entry[] }
type Base = Parameters<typeof termsOf>[0]

/** A shop made of the decisions alone: orders in memory, and stock that is checked as the database
 *  does it. */
export function pureShop(terms: Omit<Base, 'earnings'> = {}): Shop {
  const stock = GOODS.map(({ start = 0 }) => ({ onHand: start, reserved: 0, allocated: 0 }))
  const orders: Held[] = []
  let [now, ids] = [Date.parse('2026-11-27T10:00:00Z'), 0]
  const at = (): At => ({ now: new Date(now), nextId: () => `id${(ids += 1)}` })
  const of = (order: number) => orders[order]!

  /** Takes a change in, all of it or none. */
  const take = (held: Held, change: Change): void => {
    const next = stock.map((one) => ({ ...one }))
    for (const { item, ...more } of change.stock) {
      const one = next[Number(item)]!
      one.onHand += more.onHand
      one.reserved += more.reserved
      one.allocated += more.allocated
      if (one.reserved < 0 || one.allocated < 0 || one.onHand < 0) throw new Error('below nothing')
      const isWanted = more.reserved + more.allocated > 0
      if (isWanted && one.onHand < one.reserved + one.allocated) refuse('OutOfStock', 'Gone.')
    }
    stock.splice(0, stock.length, ...next)
    held.file = change.file
    held.entries.push(...change.entries)
    // What is held is let go at once; a payment nobody knows the end of may still come.
    for (const task of change.tasks) {
      const payment = held.file.payments.find(({ id }) => id === task.payment)
      if (task.ask === 'void' && payment?.status === 'authorized')
        take(held, paymentFailed(held.file, { id: task.payment, reason: 'voided' }))
    }
  }
  const sweep = () => {
    for (const held of orders) {
      take(held, expireReservation(held.file, at()))
      take(held, expirePayments(held.file, at()))
    }
  }
  const tell = (held: Held, id: string, end: PaymentEnd) => {
    if (end === 'authorized') take(held, paymentAuthorized(held.file, id, at()))
    if (end === 'captured') take(held, paymentCaptured(held.file, { id, fee: 7 }, at()))
    if (end === 'declined') take(held, paymentFailed(held.file, { id, reason: 'declined' }))
  }
  return {
    place: (lines) =>
      doing(() => {
        const wanted = lines.map(({ item, quantity }, n) => {
          const { price, taxBp, start, method } = GOODS[item]!
          const counted = start === undefined ? {} : { item: String(item) }
          return { id: `l${n}`, ...counted, quantity, unitPrice: price, taxBp, method }
        })
        const net = lines.reduce((all, one) => all + GOODS[one.item]!.price * one.quantity, 0)
        const earnings = [{ net, party: 'ben', rateBp: 777 }]
        const change = placeOrder(
          { lines: wanted, currency: 'EUR', terms: termsOf({ ...terms, earnings }) },
          at(),
        )
        const held: Held = { file: change.file, entries: [] }
        take(held, change)
        orders.push(held)
      }),
    pay: (order, end) =>
      doing(() => {
        const begun = startPayment(of(order).file, { method: 'card' }, at())
        take(of(order), begun)
        tell(of(order), begun.payment.id, end)
      }),
    hear: (order, end) =>
      doing(() => {
        const open = of(order).file.payments.find(({ status }) => status === 'pending')
        if (!open) refuse('NothingHeld', 'Nothing is open.')
        tell(of(order), open.id, end)
      }),
    repeat: (order) => {
      const came = of(order).file.payments.filter(({ capturedAt }) => capturedAt !== undefined)
      for (const { id } of came) tell(of(order), id, 'captured')
      return Promise.resolve()
    },
    capture: (order) =>
      doing(() => {
        const held = of(order).file.payments.find(({ status }) => status === 'authorized')
        if (!held) refuse('NothingHeld', 'Nothing is held.')
        tell(of(order), held.id, 'captured')
      }),
    cancel: (order) =>
      doing(() => take(of(order), cancelOrder(of(order).file, { reason: 'asked' }, at()))),
    extend: (order) => doing(() => take(of(order), extendReservation(of(order).file, at()))),
    handOver: (order, line, quantity) =>
      doing(() => {
        const held = of(order)
        const packed = fulfilOrder(held.file, { lines: [{ line: `l${line}`, quantity }] }, at())
        take(held, packed)
        take(held, setFulfilmentStatus(held.file, { id: packed.id, to: 'shipped' }, at()))
      }),
    deliver: (order) =>
      doing(() => {
        const held = of(order)
        for (const { id, status } of held.file.fulfilments)
          if (status === 'shipped')
            take(held, setFulfilmentStatus(held.file, { id, to: 'delivered' }, at()))
      }),
    refundUnits: (order, { line, ...wish }) =>
      doing(() => {
        const lines = [{ line: `l${line}`, ...wish }]
        take(of(order), refundOrder(of(order).file, { lines }, at()))
      }),
    refundAmount: (order, amount) =>
      doing(() => take(of(order), refundOrder(of(order).file, { amount }, at()))),
    settleRefund: (order, id, isSent) =>
      doing(() => {
        const { file } = of(order)
        const change = isSent
          ? refundSucceeded(file, id, at())
          : refundFailed(file, { id, reason: 'closed' }, at())
        take(of(order), change)
      }),
    wait: (ms) => {
      now += ms
      sweep()
      return Promise.resolve()
    },
    see: (order) => {
      const { file } = of(order)
      const { status, paymentStatus, totalAmount } = file.order
      const done = { fulfilments: file.fulfilments.filter(isHandedOver), refunds: [] }
      return Promise.resolve({
        status,
        paymentStatus,
        total: totalAmount,
        captured: capturedOf(file),
        refunds: file.refunds.map(({ id, amount, status: state }) => ({
          id,
          amount,
          status: state,
        })),
        handedOver: file.order.lines.map((line) => unitsOf(done, line).handedOver),
      })
    },
    stock: (item) => Promise.resolve<SeenStock>({ ...stock[item]! }),
    books: (order) => Promise.resolve(balances(of(order).entries)),
  }
}

/** What entries leave on each account. Throws when one of them is not balanced. */
export function balances(entries: readonly Pick<Entry, 'postings'>[]): Map<string, number> {
  const accounts = new Map<string, number>()
  for (const { postings } of entries) {
    if (postings.reduce((all, { amount }) => all + amount, 0) !== 0)
      throw new Error(`not balanced: ${JSON.stringify(postings)}`)
    for (const posting of postings) {
      const key = accountKey(posting)
      accounts.set(key, (accounts.get(key) ?? 0) + posting.amount)
    }
  }
  return accounts
}

function doing(act: () => void): Promise<Done> {
  try {
    act()
    return Promise.resolve('done')
  } catch (error) {
    if (!(error instanceof XRPCError)) throw error
    return Promise.resolve({ refused: error.customErrorName ?? 'unnamed' })
  }
}
