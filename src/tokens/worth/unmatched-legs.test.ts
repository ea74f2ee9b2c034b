import { expect, test } from 'vitest'
import { type ExchangeAnswer, hasUnmatchedLeg } from './unmatched-legs.ts'

const expiresAt = '2026-11-28T12:01:00.000Z'
const NOON = Date.parse('2026-11-28T12:00:00.000Z')
const quote = { num: 1n, den: 2n, fee: 0n, minOut: 1n, expiresAt }
const at = '2026-11-28T12:00:00.000Z'
const paid = { id: 'p', from: 'ada', to: 'lp', amount: 100n, fee: 0n, at }
const exchange = { paid, quote, deliverBy: NOON + 1_000 }
const delivered: ExchangeAnswer = {
  leg: 'delivered',
  answers: 'p',
  from: 'lp',
  to: 'ada',
  amount: 50n,
}
const refund: ExchangeAnswer = { ...delivered, leg: 'refund', amount: 100n }

const isOdd = (answers: readonly ExchangeAnswer[], now = NOON + 1_000, provider = 'lp') =>
  hasUnmatchedLeg({ provider, exchanges: [exchange], answers, now })

test('a payment without delivery is odd once its time is up, and only for the provider', () => {
  expect(isOdd([], NOON + 999)).toBe(false)
  expect(isOdd([])).toBe(true)
  expect(isOdd([], NOON + 1_000, 'ada')).toBe(false)
})

test('a payment that came too late is owed back at once, and odd only when its time is up', () => {
  const late = { ...exchange, paid: { ...paid, at: expiresAt } }
  const input = { provider: 'lp', exchanges: [late], answers: [] }
  expect(hasUnmatchedLeg({ ...input, now: NOON + 999 })).toBe(false)
  expect(hasUnmatchedLeg({ ...input, now: NOON + 1_000 })).toBe(true)
})

test('a delivery or a refund matches it, and parts of both that come to the whole', () => {
  expect(isOdd([delivered])).toBe(false)
  expect(isOdd([refund])).toBe(false)
  const parts = [
    { ...delivered, amount: 10n },
    { ...delivered, amount: 15n },
    { ...refund, amount: 50n },
  ]
  expect(isOdd(parts)).toBe(false)
  expect(isOdd(parts.slice(0, 2))).toBe(true)
  expect(isOdd([{ ...refund, amount: 99n }])).toBe(true)
})

test('an answer to nobody, to another, or by another matches nothing', () => {
  expect(isOdd([delivered, { ...delivered, answers: 'q' }])).toBe(true)
  expect(isOdd([delivered, { ...refund, to: 'eve' }])).toBe(true)
  expect(isOdd([{ ...delivered, from: 'eve' }])).toBe(true)
  const others = { ...delivered, from: 'eve', answers: 'q' }
  expect(isOdd([delivered, others])).toBe(false)
  const elsewhere = { ...exchange, paid: { ...paid, to: 'other' } }
  const input = { provider: 'lp', exchanges: [elsewhere], answers: [delivered], now: NOON }
  expect(hasUnmatchedLeg(input)).toBe(true)
})
