import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SUPPLY_CAP, TOKEN } from '../amount.ts'
import {
  type DeliveredLeg,
  type PaidLeg,
  type Quote,
  amountOut,
  isExpired,
  isSoundQuote,
  legsMatch,
  rateField,
  refundDue,
  sourceRate,
  takesQuote,
} from './exchange.ts'

const NOON = Date.parse('2026-11-28T12:00:00.000Z')
const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString()
const QUOTE: Quote = { num: 3n, den: 7n, fee: 1_000n, minOut: 10n, expiresAt: at(60) }
const PAID: PaidLeg = { id: 'p', from: 'ada', to: 'lp', amount: 100n, fee: 1_000n, at: at(0) }
const GIVEN: DeliveredLeg = { answers: 'p', from: 'lp', to: 'ada', amount: 42n }

test('what is delivered is rounded down, and the fee is not in it', () => {
  expect(amountOut(100n, QUOTE)).toBe(42n)
  expect(amountOut(SUPPLY_CAP, { num: SUPPLY_CAP, den: SUPPLY_CAP - 1n })).toBe(SUPPLY_CAP + 1n)
  expect(legsMatch(PAID, GIVEN, QUOTE)).toBe(true)
  const least = { ...PAID, amount: 24n }
  expect(legsMatch(least, { ...GIVEN, amount: 10n }, QUOTE)).toBe(true)
})

test('a quote ends at its time, and one of no time has ended', () => {
  expect(isExpired(QUOTE, NOON + 59_999)).toBe(false)
  expect(isExpired(QUOTE, NOON + 60_000)).toBe(true)
  expect(isExpired({ expiresAt: 'soon' }, NOON)).toBe(true)
})

test.each([
  ['no rate', { num: 0n }],
  ['a rate by nothing', { den: 0n }],
  ['a negative rate', { den: -7n, num: -3n }],
  ['a negative fee', { fee: -1n }],
  ['nothing as the least', { minOut: 0n }],
  ['no time', { expiresAt: 'soon' }],
])('a quote of %s is none, and what was paid on it goes back', (_, change) => {
  const quote = { ...QUOTE, ...change }
  expect(isSoundQuote(QUOTE)).toBe(true)
  expect(isSoundQuote(quote)).toBe(false)
  const paid = { ...PAID, fee: quote.fee }
  expect(legsMatch(paid, GIVEN, quote)).toBe(false)
  expect(refundDue({ paid, quote, deliverBy: NOON + 1, now: NOON })).toBe(100n)
})

test.each([
  ['too late', { at: at(60) }],
  ['at no time', { at: 'soon' }],
  ['with less of a fee', { fee: 999n }],
  ['with more of a fee', { fee: 1_001n }],
  ['for nothing', { amount: 2n }],
  ['for less than the least', { amount: 23n }],
])('a payment %s does not take the quote, and goes back at once', (_, change) => {
  const paid = { ...PAID, ...change }
  expect(takesQuote(PAID, QUOTE)).toBe(true)
  expect(takesQuote(paid, QUOTE)).toBe(false)
  expect(legsMatch(paid, GIVEN, QUOTE)).toBe(false)
  const refund = refundDue({ paid, quote: QUOTE, deliverBy: NOON + 3_600_000, now: NOON })
  expect(refund).toBe(paid.amount)
})

test.each([
  ['less', { amount: 41n }],
  ['more', { amount: 43n }],
  ['to somebody else', { to: 'eve' }],
  ['by somebody else', { from: 'eve' }],
  ['for another payment', { answers: 'q' }],
])('a delivery of %s does not match', (_, change) => {
  expect(legsMatch(PAID, { ...GIVEN, ...change }, QUOTE)).toBe(false)
})

test('what was not delivered in time is owed back, and what was delivered is kept', () => {
  const due = (delivered: DeliveredLeg | undefined, now: number) =>
    refundDue({
      paid: PAID,
      ...(delivered && { delivered }),
      quote: QUOTE,
      deliverBy: NOON + 100,
      now,
    })
  expect(due(undefined, NOON + 99)).toBe(0n)
  expect(due(undefined, NOON + 100)).toBe(100n)
  expect(due(GIVEN, NOON + 100)).toBe(0n)
  expect(due({ ...GIVEN, amount: 50n }, NOON + 100)).toBe(0n)
  expect(due({ ...GIVEN, to: 'eve' }, NOON + 100)).toBe(100n)
  // 21 are bought by 49: ⌊49 · 3 / 7⌋.
  expect(due({ ...GIVEN, amount: 21n }, NOON + 99)).toBe(0n)
  expect(due({ ...GIVEN, amount: 21n }, NOON + 100)).toBe(51n)
})

const amounts = fc.bigInt({ min: 1n, max: SUPPLY_CAP })

test('a refund leaves what just buys the delivery, and never exceeds the payment', () => {
  fc.assert(
    fc.property(amounts, amounts, amounts, amounts, (amount, num, den, delivery) => {
      const quote = { ...QUOTE, num, den, minOut: 1n }
      const paid = { ...PAID, amount }
      const delivered = { ...GIVEN, amount: delivery }
      const refund = refundDue({ paid, delivered, quote, deliverBy: NOON, now: NOON })
      const kept = amount - refund
      expect(refund >= 0n && refund <= amount).toBe(true)
      if (amountOut(amount, quote) <= delivery) {
        expect(refund === 0n || !takesQuote(paid, quote)).toBe(true)
      } else {
        expect(amountOut(kept, quote)).toBeGreaterThanOrEqual(delivery)
        expect(amountOut(kept - 1n, quote)).toBeLessThan(delivery)
      }
    }),
  )
})

test('there and back at the same rate gains nobody anything', () => {
  fc.assert(
    fc.property(amounts, amounts, amounts, (amount, num, den) => {
      const back = amountOut(amountOut(amount, { num, den }), { num: den, den: num })
      expect(back).toBeLessThanOrEqual(amount)
    }),
  )
})

test('a hundred karma points are one token, and dollars have no rate unless one is set', () => {
  expect(amountOut(100n, sourceRate('karma_points')!)).toBe(TOKEN)
  expect(amountOut(1n, sourceRate('angel_tokens')!)).toBe(TOKEN)
  expect(sourceRate('usd')).toBeUndefined()
  expect(sourceRate('usd', { num: 5n, den: 2n })).toEqual({ num: 5n, den: 2n })
  expect(sourceRate('karma_points', { num: 5n, den: 2n })).toEqual({ num: 10_000n, den: 1n })
})

test('the rate of a record is tokens for a unit times a million, rounded down', () => {
  expect(rateField(sourceRate('karma_points')!)).toBe(10_000)
  expect(rateField({ num: 5n, den: 2n })).toBe(2)
  expect(() => rateField({ num: 2n ** 53n, den: 1n })).toThrow(RangeError)
  expect(() => rateField({ num: -2n, den: 1n })).toThrow(RangeError)
})
