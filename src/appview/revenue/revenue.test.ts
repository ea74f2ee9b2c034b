import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Paid, worthOf } from './customer-worth.ts'
import { NOTICE_MS, decideFeeBy } from './decide-fee.ts'

const now = new Date('2026-11-27T12:00:00Z')
const before = (days: number) => new Date(+now - days * 86_400_000)
const paid = (more: Partial<Paid> = {}) => ({
  currency: 'EUR',
  orders: 4,
  paid: 50_000,
  refunded: 10_000,
  ...more,
})

test('a customer is worth what they left, and what one like them leaves while they stay', () => {
  const terms = { first: before(122), now, churnBp: 2_500 }
  expect(worthOf(paid(), terms)).toMatchObject({
    historical: 40_000,
    averageOrder: 10_000,
    ordersPerMonth: 998,
    predicted: 39_920,
  })
  expect(worthOf(paid(), { ...terms, churnBp: 0 }).predicted).toBe(598_800)
  expect(worthOf(paid(), { ...terms, churnBp: 1 }).predicted).toBe(598_800)
})

test('what cannot be told of a customer is not told', () => {
  const terms = { first: before(1), now, churnBp: null }
  expect(worthOf(paid(), terms)).toMatchObject({ averageOrder: 10_000, predicted: null })
  expect(
    worthOf(paid({ orders: 0, paid: 0, refunded: 0 }), { ...terms, churnBp: 1 }),
  ).toMatchObject({
    historical: 0,
    averageOrder: null,
    ordersPerMonth: null,
    predicted: null,
  })
})

const even = 50
const signals = {
  velocity: even,
  engagement: even,
  quality: even,
  platformValue: even,
  market: even,
  competitive: even,
}
const basis = { beforeBp: 1_500, months: { before: 0, now: 0 } }

test('a fee is decided by the agreement, with all it was worked out from', () => {
  const months = { before: 1_000, now: 1_200 }
  expect(decideFeeBy({ ...basis, agreement: 'performance', months }, now)).toMatchObject({
    feeBp: 1_400,
    inputs: [
      { name: 'before', value: 1_500 },
      { name: 'monthBefore', value: 1_000 },
      { name: 'month', value: 1_200 },
    ],
    effectiveAt: now,
  })
  expect(decideFeeBy({ ...basis, agreement: 'ai-optimized' }, now)).toBeUndefined()
  const higher = decideFeeBy({ ...basis, agreement: 'ai-optimized', signals }, now)
  expect(higher).toMatchObject({ feeBp: 1_600, effectiveAt: new Date(+now + NOTICE_MS) })
  expect(higher!.inputs).toHaveLength(7)
})

test('whatever is looked at, a fee by signals moves by a point at most, and rises after notice only', () => {
  const signal = fc.nat(100)
  const any = fc.record({
    velocity: signal,
    engagement: signal,
    quality: signal,
    platformValue: signal,
    market: signal,
    competitive: signal,
  })
  fc.assert(
    fc.property(any, fc.integer({ min: 800, max: 2_500 }), (seen, beforeBp) => {
      const wish = { ...basis, agreement: 'ai-optimized', signals: seen, beforeBp }
      const decided = decideFeeBy(wish, now)!
      expect(Math.abs(decided.feeBp - beforeBp)).toBeLessThanOrEqual(100)
      const waits = +decided.effectiveAt > +now
      expect(waits).toBe(decided.feeBp > beforeBp)
    }),
  )
})
