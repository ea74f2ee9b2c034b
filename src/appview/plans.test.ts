import fc from 'fast-check'
import { expect, test } from 'vitest'
import { monthlyRevenue, nearness, periodAt, planOf } from './plans.ts'

test('a plan has its limits, unless others are given; a plan of its own needs them', () => {
  expect(planOf('starter')?.limits).toMatchObject({ users: 10, spaces: 3, products: 100 })
  expect(planOf('enterprise')?.features).toContain('white-label')
  expect(planOf('free')?.features).toEqual(['crm'])
  expect(planOf('custom')).toBeUndefined()
  expect(planOf('toString')).toBeUndefined()
  const own = { ...planOf('free')!.limits, users: 7 }
  expect(planOf('custom', own)?.limits.users).toBe(7)
  expect(planOf('free', own)?.limits.users).toBe(7)
})

test('at four fifths people are warned, at the limit it is full', () => {
  expect([7, 8, 9, 10, 11].map((used) => nearness(used, 10))).toEqual([
    'free',
    'warning',
    'warning',
    'full',
    'full',
  ])
  expect(nearness(0, 0)).toBe('full')
})

test('what a tenant pays is reckoned for a month', () => {
  const price = (amount: number) => ({ amount, currency: 'EUR' })
  expect(monthlyRevenue(price(3_000), 'monthly')).toBe(3_000)
  expect(monthlyRevenue(price(10_000), 'quarterly')).toBe(3_333)
  expect(monthlyRevenue(price(30_000), 'annually')).toBe(2_500)
  expect(monthlyRevenue(price(18), 'annually')).toBe(2)
})

test('periods follow each other without a gap, also from the end of a long month', () => {
  const start = new Date('2026-01-31T10:00:00Z')
  const at = (now: string, cycle = 'monthly') => {
    const { start: from, end } = periodAt(start, cycle, new Date(now))
    return [from.toISOString().slice(0, 10), end.toISOString().slice(0, 10)]
  }
  expect(at('2026-02-01T00:00:00Z')).toEqual(['2026-01-31', '2026-02-28'])
  expect(at('2026-02-28T10:00:00Z')).toEqual(['2026-02-28', '2026-03-31'])
  expect(at('2026-03-31T09:59:59Z')).toEqual(['2026-02-28', '2026-03-31'])
  expect(at('2026-06-01T00:00:00Z', 'quarterly')).toEqual(['2026-04-30', '2026-07-31'])
  expect(at('2028-01-01T00:00:00Z', 'annually')).toEqual(['2027-01-31', '2028-01-31'])
  expect(at('2025-01-01T00:00:00Z')).toEqual(['2026-01-31', '2026-02-28'])
  const time = fc.date({ min: start, max: new Date('2090-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(time, fc.constantFrom('monthly', 'quarterly', 'annually'), (now, cycle) => {
      const period = periodAt(start, cycle, now)
      expect(period.start <= now && now < period.end).toBe(true)
      expect(periodAt(start, cycle, period.end).start).toEqual(period.end)
    }),
  )
})
