import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PaidLeg, Quote } from './exchange.ts'
import { type QuoteHistory, exchangesOf, nextAnswer, quoteFor } from './exchange-state.ts'
import type { ExchangeAnswer } from './unmatched-legs.ts'

const NOON = Date.parse('2026-11-28T12:00:00.000Z')
const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString()
const now = (seconds: number) => NOON + seconds * 1_000
const QUOTE: Quote = {
  num: 3n,
  den: 7n,
  fee: 5n,
  minOut: 42n,
  maxIn: 100n,
  customer: 'ada',
  expiresAt: at(60),
}
const PAID: PaidLeg = { id: 'p1', from: 'ada', to: 'lp', amount: 100n, fee: 5n, at: at(10) }
const answer = (leg: ExchangeAnswer['leg'], amount: bigint, id = 'p1'): ExchangeAnswer => ({
  leg,
  amount,
  from: 'lp',
  to: 'ada',
  answers: id,
})
const history = (more: Partial<QuoteHistory> = {}): QuoteHistory => ({
  quote: QUOTE,
  deliverBy: now(600),
  payments: [PAID],
  answers: [],
  ...more,
})
const only = (more: Partial<QuoteHistory>, seconds: number) =>
  exchangesOf(history(more), now(seconds))[0]!

test('a quote that nobody takes is open until it has ended', () => {
  expect(only({ payments: [] }, 59)).toMatchObject({ state: 'quoted' })
  expect(only({ payments: [] }, 60)).toMatchObject({ state: 'expired' })
})

test('what was paid is delivered, in time or late', () => {
  expect(only({}, 20)).toMatchObject({ state: 'paid', takes: true, due: 0n })
  expect(nextAnswer(history(), PAID, now(20))).toEqual({ leg: 'delivered', amount: 42n })
  const answers = [answer('delivered', 42n)]
  for (const seconds of [20, 700])
    expect(only({ answers }, seconds)).toMatchObject({ state: 'delivered', due: 0n })
  expect(nextAnswer(history({ answers }), PAID, now(20))).toBeUndefined()
})

test('what was not delivered in time is given back, and unmatched until it is', () => {
  expect(only({}, 600)).toMatchObject({ state: 'unmatched', due: 100n })
  expect(nextAnswer(history(), PAID, now(600))).toEqual({ leg: 'refund', amount: 100n })
  const answers = [answer('refund', 100n)]
  expect(only({ answers }, 600)).toMatchObject({ state: 'refunded', refunded: 100n })
  expect(nextAnswer(history({ answers }), PAID, now(600))).toBeUndefined()
  const less = [answer('refund', 99n)]
  expect(only({ answers: less }, 600)).toMatchObject({ state: 'unmatched' })
})

test.each([
  ['late', { at: at(60) }],
  ['with the wrong fee', { fee: 4n }],
  ['too little', { amount: 97n }],
  ['more than was asked for', { amount: 101n }],
  ['by somebody else', { from: 'eve' }],
])('what is paid %s goes back at once, all but the fee', (_, change) => {
  const paid = { ...PAID, ...change }
  const of = history({ payments: [paid] })
  expect(exchangesOf(of, now(20))[0]).toMatchObject({ state: 'paid', takes: false })
  expect(nextAnswer(of, paid, now(20))).toEqual({ leg: 'refund', amount: paid.amount })
})

test('a quote is taken once: by what was delivered for, else by who was first', () => {
  const second = { ...PAID, id: 'p0', at: at(11) }
  const of = history({ payments: [second, PAID] })
  expect(exchangesOf(of, now(20)).map(({ takes }) => takes)).toEqual([false, true])
  expect(nextAnswer(of, second, now(20))).toEqual({ leg: 'refund', amount: 100n })
  // A certificate that comes later may say an earlier time; what was delivered stays.
  const given = { ...of, answers: [answer('delivered', 42n, 'p0')] }
  expect(exchangesOf(given, now(20)).map(({ takes }) => takes)).toEqual([true, false])
  expect(quoteFor(given, PAID)).not.toEqual(QUOTE)
})

test('answers of others, or to others, are none', () => {
  const answers = [
    { ...answer('delivered', 42n), from: 'eve' },
    { ...answer('delivered', 42n), to: 'eve' },
    answer('delivered', 42n, 'p2'),
  ]
  expect(only({ answers }, 20)).toMatchObject({ state: 'paid', delivered: 0n })
})

test('a provider who does what is next owes nothing, and nobody gets twice', () => {
  const seconds = fc.nat({ max: 700 })
  const payment = fc.record({
    amount: fc.integer({ min: 90, max: 110 }),
    fee: fc.nat({ max: 9 }),
    seconds,
  })
  fc.assert(
    fc.property(fc.array(payment, { minLength: 1, maxLength: 4 }), seconds, (all, time) => {
      const payments = all.map((one, n) => ({
        ...PAID,
        id: `p${n}`,
        amount: BigInt(one.amount),
        fee: BigInt(one.fee),
        at: at(one.seconds),
      }))
      const answers: ExchangeAnswer[] = []
      for (let round = 0; round < 3; round += 1) {
        for (const paid of payments) {
          const next = nextAnswer(history({ payments, answers }), paid, now(time))
          if (next) answers.push(answer(next.leg, next.amount, paid.id))
        }
      }
      expect(new Set(answers.map((one) => one.answers)).size).toBe(answers.length)
      expect(answers).toHaveLength(payments.length)
      expect(answers.filter(({ leg }) => leg === 'delivered').length).toBeLessThanOrEqual(1)
      const exchanges = exchangesOf(history({ payments, answers }), now(time))
      for (const { state, payment } of exchanges)
        if (payment) expect(['delivered', 'refunded']).toContain(state)
    }),
  )
})
