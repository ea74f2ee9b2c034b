import { expect, test } from 'vitest'
import type { At } from './advance.ts'
import { cancelOrder, expireReservation, extendReservation } from './cancel-order.ts'
import type { Change } from './change.ts'
import {
  completeAfterWindow,
  fulfilOrder,
  setFulfilmentStatus,
  setOrderStatus,
} from './fulfil-order.ts'
import { type Entry, accountKey } from './ledger.ts'
import type { OrderFile } from './order-file.ts'
import { type Wanted, placeOrder } from './place-order.ts'
import { refundFailed, refundOrder, refundSucceeded } from './refund-order.ts'
import {
  expirePayments,
  paymentAuthorized,
  paymentCaptured,
  paymentFailed,
  requireHeld,
  startPayment,
} from './take-payment.ts'
import { termsOf } from './terms.ts'

const START = new Date('2026-11-27T10:00:00Z')
const MINUTE = 60_000
const DAY = 86_400_000
let ids = 0
const at = (ms = 0): At => ({ now: new Date(+START + ms), nextId: () => `id${(ids += 1)}` })

const line = (more: Partial<Wanted['lines'][number]> = {}) => ({
  id: 'a',
  item: 'speaker',
  quantity: 1,
  unitPrice: 1_003,
  taxBp: 0,
  method: 'physical' as const,
  ...more,
})
const plain = termsOf({ earnings: [] })
const place = (lines: Wanted['lines'], more: Partial<Wanted> = {}) =>
  placeOrder({ lines, currency: 'EUR', terms: plain, ...more }, at())
const paid = (file: OrderFile, ms = MINUTE, fee?: number) => {
  const begun = startPayment(file, { method: 'credit_card' }, at(ms))
  return paymentCaptured(begun.file, { id: begun.payment.id, fee }, at(ms))
}
const postings = ({ entries }: Pick<Change, 'entries'>) =>
  entries.map(({ kind, postings: all }: Entry) => [
    kind,
    Object.fromEntries(all.map((one) => [accountKey(one), one.amount])),
  ])

test('an order keeps its stock for 15 minutes, once more as long when asked, then lets it go', () => {
  const placed = place([line({ quantity: 2 })])
  expect(placed.stock).toEqual([{ item: 'speaker', onHand: 0, reserved: 2, allocated: 0 }])
  expect(expireReservation(placed.file, at(15 * MINUTE - 1)).stock).toEqual([])
  const longer = extendReservation(placed.file, at(14 * MINUTE)).file
  expect(() => extendReservation(longer, at(15 * MINUTE))).toThrow('extended once')
  expect(() => startPayment(longer, { method: 'x' }, at(30 * MINUTE))).toThrow('free again')
  const over = expireReservation(longer, at(30 * MINUTE))
  expect(over.stock).toEqual([{ item: 'speaker', onHand: 0, reserved: -2, allocated: 0 }])
  expect(over.file.order).toMatchObject({ status: 'cancelled', cancelReason: 'reservationExpired' })
})

test('what is paid is booked to who it is for, and three refunds of 1003 leave nothing', () => {
  const sold = paid(
    place([line({ quantity: 3, unitPrice: 1 }), line({ id: 'b', unitPrice: 1_000 })]).file,
  )
  expect(postings(sold)).toEqual([
    [
      'capture',
      {
        customerClearing: 1_003,
        aiPartner: -150,
        humanPartner: -300,
        platformOperations: -503,
        justiceFund: -50,
      },
    ],
  ])
  let { file } = sold
  const backs = [
    [334, [50, 100, 168, 16]],
    [334, [50, 100, 167, 17]],
    [335, [50, 100, 168, 17]],
  ] as const
  for (const [amount, [aiPartner, humanPartner, platformOperations, justiceFund]] of backs) {
    const asked = refundOrder(file, { amount }, at())
    const shares = { aiPartner, humanPartner, platformOperations, justiceFund }
    expect(postings(asked)).toEqual([['refund', { refundsPayable: -amount, ...shares }]])
    const back = refundSucceeded(asked.file, asked.refund.id, at())
    expect(postings(back)).toEqual([
      ['refundPaid', { customerClearing: -amount, refundsPayable: amount }],
    ])
    file = back.file
  }
  expect(file.order).toMatchObject({ status: 'refunded', paymentStatus: 'refunded' })
  expect(() => refundOrder(file, { amount: 1 }, at())).toThrow('At most 0 can still go back')
})

test('tax is apart from revenue, what the provider keeps is apart from both', () => {
  const sold = paid(place([line({ unitPrice: 10_000, taxBp: 1_900 })]).file, MINUTE, 315)
  expect(postings(sold)).toEqual([
    ['capture', expect.objectContaining({ customerClearing: 11_900, taxPayable: -1_900 })],
    ['providerFee', { customerClearing: -315, providerFees: 315 }],
  ])
})

test('with a platform fee the seller keeps the rest, and the shares are of the fee', () => {
  const terms = termsOf({ fee: { part: 1_500, whole: 10_000 }, earnings: [] })
  const sold = paid(place([line({ unitPrice: 10_000 })], { terms }).file)
  const shares = { aiPartner: -225, humanPartner: -450, platformOperations: -750, justiceFund: -75 }
  expect(postings(sold)).toEqual([
    ['capture', { customerClearing: 10_000, sellerNet: -8_500, ...shares }],
  ])
  const whole = refundOrder(sold.file, { amount: 10_000 }, at())
  expect(postings(whole)[0]![1]).toMatchObject({ sellerNet: 8_500, platformOperations: 750 })
})

test('a commission is inside the share of people, due when the order is completed, and reversed in proportion', () => {
  const terms = termsOf({ earnings: [{ net: 10_000, party: 'did:plc:ben', rateBp: 500 }] })
  let { file } = paid(place([line({ unitPrice: 10_000 })], { terms }).file)
  const done = setOrderStatus(
    setOrderStatus(file, shipAll, at()).file,
    { to: 'delivered' },
    at(),
  ).file
  const completed = completeAfterWindow(done, at(14 * DAY))
  expect(postings(completed)).toEqual([
    ['commission', { humanPartner: 500, 'commission:did:plc:ben': -500 }],
  ])
  file = completed.file
  const half = refundOrder(file, { amount: 5_000 }, at())
  expect(postings(half)[0]![1]).toMatchObject({
    humanPartner: 1_250,
    'commission:did:plc:ben': 250,
  })
})

const shipAll = { to: 'shipped', override: true, reason: 'handed over at the counter' }

test('goods leave the stock when they are shipped, and the order follows its parcels', () => {
  const begun = paid(place([line({ quantity: 3 })]).file)
  expect(begun.stock).toEqual([{ item: 'speaker', onHand: 0, reserved: -3, allocated: 3 }])
  const packed = fulfilOrder(begun.file, { lines: [{ line: 'a', quantity: 2 }] }, at())
  const sent = setFulfilmentStatus(packed.file, { id: packed.id, to: 'shipped' }, at())
  expect(sent.stock).toEqual([{ item: 'speaker', onHand: -2, reserved: 0, allocated: -2 }])
  expect(sent.file.order.status).toBe('processing')
  expect(() => fulfilOrder(sent.file, { lines: [{ line: 'a', quantity: 2 }] }, at())).toThrow(
    'most 1',
  )
  expect(() => cancelOrder(sent.file, { reason: 'late' }, at())).toThrow('handed over already')
  expect(() => setOrderStatus(sent.file, { to: 'shipped' }, at())).toThrow('1 of it have not')
  const rest = fulfilOrder(sent.file, {}, at())
  const all = setFulfilmentStatus(rest.file, { id: rest.id, to: 'shipped' }, at())
  expect(all.file.order).toMatchObject({ status: 'shipped', fulfilmentStatus: 'shipped' })
  const one = setFulfilmentStatus(all.file, { id: rest.id, to: 'delivered' }, at())
  expect(one.file.order.status).toBe('shipped')
  const both = setFulfilmentStatus(one.file, { id: packed.id, to: 'delivered' }, at())
  expect(both.file.order.status).toBe('delivered')
})

test('downloads are handed over by being paid, and then the order is delivered', () => {
  const { file } = paid(place([line({ method: 'digital' })]).file)
  expect(file.order.status).toBe('delivered')
  expect(file.fulfilments).toMatchObject([{ method: 'digital', status: 'delivered' }])
  const free = place([line({ method: 'digital', unitPrice: 0 })]).file
  expect(free.order).toMatchObject({ status: 'delivered', paymentStatus: 'captured' })
})

test('units that come back go on sale again only when they can be sold', () => {
  const shipped = setOrderStatus(paid(place([line({ quantity: 3 })]).file).file, shipAll, at()).file
  const wish = { lines: [{ line: 'a', quantity: 1, restock: true }] }
  const asked = refundOrder(shipped, wish, at())
  expect(asked.stock).toEqual([])
  expect(refundSucceeded(asked.file, asked.refund.id, at()).stock).toEqual([
    { item: 'speaker', onHand: 1, reserved: 0, allocated: 0 },
  ])
  const open = paid(place([line({ quantity: 3 })]).file).file
  const early = refundOrder(open, { lines: [{ line: 'a', quantity: 3 }] }, at())
  expect(refundSucceeded(early.file, early.refund.id, at()).stock).toEqual([
    { item: 'speaker', onHand: -3, reserved: 0, allocated: -3 },
  ])
  const freed = refundOrder(open, { lines: [{ line: 'a', quantity: 1, restock: true }] }, at())
  expect(refundSucceeded(freed.file, freed.refund.id, at()).stock).toEqual([
    { item: 'speaker', onHand: 0, reserved: 0, allocated: -1 },
  ])
})

test('a refund that failed can be asked for again, and two together are never more than was paid', () => {
  const { file } = paid(place([line({ unitPrice: 1_000 })]).file)
  const first = refundOrder(file, { amount: 600 }, at())
  expect(() => refundOrder(first.file, { amount: 401 }, at())).toThrow('At most 400')
  const failed = refundFailed(first.file, { id: first.refund.id, reason: 'closed card' }, at())
  expect(postings(failed)[0]![1]).toMatchObject({ refundsPayable: 600, platformOperations: -300 })
  expect(refundOrder(failed.file, { amount: 1_000 }, at()).refund.amount).toBe(1_000)
})

test('money that comes after the end goes back by itself', () => {
  const begun = startPayment(place([line()]).file, { method: 'credit_card' }, at())
  const ended = cancelOrder(begun.file, { reason: 'changed my mind' }, at())
  expect(ended.tasks).toMatchObject([{ ask: 'void', payment: begun.payment.id }])
  const held = paymentAuthorized(ended.file, begun.payment.id, at())
  expect(held.tasks).toMatchObject([{ ask: 'void' }])
  const late = paymentCaptured(held.file, { id: begun.payment.id }, at())
  expect(late.tasks).toMatchObject([{ ask: 'refund', amount: 1_003 }])
  expect(late.notices).toEqual([{ kind: 'paymentLate', to: 'staff' }])
  expect(late.file.order.status).toBe('cancelled')
  expect(paymentCaptured(late.file, { id: begun.payment.id }, at()).tasks).toEqual([])
})

test('what is paid too much goes back, and the order is as paid as it was', () => {
  const first = startPayment(place([line({ taxBp: 1_900 })]).file, { method: 'x' }, at())
  const failed = paymentFailed(first.file, { id: first.payment.id, reason: 'timeout' })
  const again = paid(failed.file)
  const twice = paymentCaptured(again.file, { id: first.payment.id }, at())
  expect(twice.file.refunds).toMatchObject([{ reason: 'overpaid', amount: 1_194, tax: 0 }])
  const back = refundSucceeded(twice.file, twice.file.refunds[0]!.id, at())
  expect(back.file.order).toMatchObject({ status: 'processing', paymentStatus: 'captured' })
})

test('an authorization that nobody captures ends after seven days', () => {
  const begun = startPayment(place([line()]).file, { method: 'credit_card' }, at())
  const held = paymentAuthorized(begun.file, begun.payment.id, at())
  expect(held.file.order).toMatchObject({ status: 'processing', paymentStatus: 'authorized' })
  expect(expirePayments(held.file, at(7 * DAY - 1)).tasks).toEqual([])
  const over = expirePayments(held.file, at(7 * DAY))
  expect(over.file.payments).toMatchObject([{ status: 'failed', failureReason: 'expired' }])
  expect(over.file.order.paymentStatus).toBe('failed')
  expect(() => requireHeld(over.file, begun.payment.id)).toThrow('Nothing is held')
})

test('a deposit is enough to begin with, and the rest is paid later', () => {
  const deposit = place([line({ method: 'service', unitPrice: 10_000, taxBp: 1_900 })], {
    dueNow: 2_000,
  }).file
  const begun = paid(deposit)
  expect(begun.file.payments).toMatchObject([{ amount: 2_000 }])
  expect(begun.file.order).toMatchObject({ status: 'processing', paymentStatus: 'pending' })
  const whole = paid(begun.file)
  expect(whole.file.order.paymentStatus).toBe('captured')
  const taxes = [begun, whole].map((one) => postings(one)[0]![1] as Record<string, number>)
  expect(taxes.map(({ taxPayable }) => taxPayable)).toEqual([-319, -1_581])
  expect(() => startPayment(whole.file, { method: 'x' }, at())).toThrow('Nothing is due')
  expect(() => refundOrder(whole.file, { amount: 10_000 }, at())).toThrow('holds at most 9900')
})

test('what is not paid for is not worked on, and only the books make an order refunded', () => {
  const { file } = place([line()])
  expect(() => setOrderStatus(file, { to: 'processing' }, at())).toThrow('not been paid')
  const begun = paid(file).file
  expect(() => setOrderStatus(begun, { to: 'refunded' }, at())).toThrow('refund it')
  expect(() => setOrderStatus(begun, { to: 'delivered' }, at())).toThrow('shipped first')
  expect(place([line()], { payLater: true }).file.order.status).toBe('processing')
})
