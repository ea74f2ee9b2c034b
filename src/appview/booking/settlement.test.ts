import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appointmentCommission } from './appointment-commission.ts'
import { type CancellationPolicy, cancelled, depositOf, missed, unmovable } from './cancellation.ts'
import { remindersAt } from './reminders.ts'

const HOUR = 3_600_000
const policy: CancellationPolicy = {
  allowCancellation: true,
  allowRescheduling: true,
  cutOff: 24 * 60,
  lateFeeBp: 2_500,
  noShowFeeBp: 5_000,
}
const given = (now: number, more: Partial<CancellationPolicy> = {}, by = 'customer' as const) => ({
  policy: { ...policy, ...more },
  start: 100 * HOUR,
  now,
  price: 9_999,
  paid: 3_000,
  by,
})

test('giving back in time is free, later costs the fee, the business returns everything', () => {
  expect(cancelled(given(76 * HOUR))).toEqual({ fee: 0, refund: 3_000, due: 0 })
  expect(cancelled(given(76 * HOUR + 1))).toEqual({ fee: 2_500, refund: 500, due: 0 })
  expect(cancelled({ ...given(99 * HOUR), by: 'staff' })).toEqual({ fee: 0, refund: 3_000, due: 0 })
  const large = given(99 * HOUR, { lateFeeBp: 5_000 })
  expect(cancelled(large)).toEqual({ fee: 3_000, refund: 0, due: 2_000 })
})

test('where it is not allowed or too late the customer is told which, and the staff still can', () => {
  expect(cancelled(given(0, { allowCancellation: false }))).toBe('NotAllowed')
  expect(cancelled(given(99 * HOUR, { lateFeeBp: undefined }))).toBe('TooLate')
  expect(unmovable(given(76 * HOUR))).toBeUndefined()
  expect(unmovable(given(77 * HOUR))).toBe('TooLate')
  expect(unmovable(given(0, { allowRescheduling: false }))).toBe('NotAllowed')
  expect(unmovable({ ...given(99 * HOUR), by: 'staff' })).toBeUndefined()
})

test('who does not come pays the fee that was agreed, or nothing', () => {
  expect(missed(given(0))).toEqual({ fee: 3_000, refund: 0, due: 2_000 })
  expect(missed(given(0, { noShowFeeBp: undefined }))).toEqual({ fee: 0, refund: 3_000, due: 0 })
})

test('a deposit is an amount or a share of the price, never more than it', () => {
  expect(depositOf(10_001, { rateBp: 2_500 })).toBe(2_500)
  expect(depositOf(10_002, { rateBp: 2_500 })).toBe(2_501)
  expect(depositOf(1_000, { amount: 5_000 })).toBe(1_000)
  expect(depositOf(1_000, {})).toBe(1_000)
})

test('whatever is agreed, what is kept and what goes back is what was paid', () => {
  const amount = fc.maxSafeInteger().map(Math.abs)
  const rate = fc.integer({ min: -100, max: 20_000 })
  fc.assert(
    fc.property(amount, amount, rate, (price, paid, lateFeeBp) => {
      const late = { ...given(99 * HOUR, { lateFeeBp }), price, paid }
      const settlement = cancelled(late)
      if (typeof settlement === 'string') throw new Error(settlement)
      const { fee, refund, due } = settlement
      expect(fee + refund).toBe(paid)
      expect(Math.min(fee, refund, due)).toBeGreaterThanOrEqual(0)
      expect(fee + due).toBeLessThanOrEqual(price)
    }),
    { numRuns: 5_000 },
  )
})

test('reminders are a day and an hour before, but never in the past', () => {
  expect(remindersAt(100 * HOUR, 0)).toEqual([76 * HOUR, 99 * HOUR])
  expect(remindersAt(100 * HOUR, 76 * HOUR)).toEqual([99 * HOUR])
  expect(remindersAt(100 * HOUR, 99.5 * HOUR)).toEqual([])
  expect(remindersAt(100 * HOUR, 0, [30, 30])).toEqual([99.5 * HOUR])
})

test('a commission follows the kind of appointment and where it came from', () => {
  const of = (appointmentType: string, source: string, net: number) =>
    appointmentCommission({ appointmentType, source }, net)
  expect(of('consultation', 'pickup_job', 8_000)).toEqual({ rateBp: 400, amount: 320 })
  expect(of('quote_consultation', 'system_generated', 8_000).amount).toBe(640)
  expect(of('standard_install', 'referral_source', 10_000)).toEqual({ rateBp: 600, amount: 600 })
  expect(of('standard_install', 'repeat_customer', 10_000).amount).toBe(200)
  expect(of('general_meeting', 'referral_source', 10_000)).toEqual({ rateBp: 0, amount: 0 })
  const product = { productType: 'physical', customBp: 1_000, multipliers: { pickup_job: 2_000 } }
  const facts = { appointmentType: 'general_meeting', source: 'pickup_job', product }
  expect(appointmentCommission(facts, 10_000)).toEqual({ rateBp: 2_000, amount: 2_000 })
})
