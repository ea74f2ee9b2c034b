import { expect, test } from 'vitest'
import { median, orderOf, pairedRatio, percentile } from './paired.ts'

test('the median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3])).toBe(3)
  expect(median([10, 1, 2, 4])).toBe(3)
  expect(median([])).toBeNaN()
})

test('a percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(percentile(hundred, 0.5)).toBe(50)
  expect(percentile(hundred, 0.99)).toBe(99)
  expect(percentile([7], 0.99)).toBe(7)
  expect(percentile([1, 2], 0)).toBe(1)
})

test('a round that was slow for both sides does not move the ratio', () => {
  expect(pairedRatio([200, 20, 200], [100, 10, 100])).toEqual({ median: 2, min: 2, max: 2 })
  expect(pairedRatio([150, 300], [100, 100])).toEqual({ median: 2.25, min: 1.5, max: 3 })
})

test('rounds that have no pair are refused', () => {
  expect(() => pairedRatio([1, 2], [1])).toThrow('without a pair')
})

test('every second round goes backwards', () => {
  expect(orderOf(['a', 'b'], 0)).toEqual(['a', 'b'])
  expect(orderOf(['a', 'b'], 1)).toEqual(['b', 'a'])
})
