import { expect, test } from 'vitest'
import { nearness, planOf } from './plans.ts'

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
