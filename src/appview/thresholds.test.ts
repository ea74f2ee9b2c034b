import { expect, test } from 'vitest'
import { crossingsOf, isPast, written } from './thresholds.ts'

const threshold = (op: string, limit: number, key = 'k') => ({ key, figure: 'litres', op, limit })
const figures = (...amounts: number[]) => amounts.map((amount) => ({ name: 'litres', amount }))

test.each([
  ['==', 5, [false, true, false]],
  ['!=', 5, [true, false, true]],
  ['>', 5, [false, false, true]],
  ['>=', 5, [false, true, true]],
  ['<', 5, [true, false, false]],
  ['<=', 5, [true, true, false]],
  ['~', 5, [false, false, false]],
  ['toString', 5, [false, false, false]],
])('a figure is past %s %i', (op, limit, expected) => {
  expect([4, 5, 6].map((amount) => isPast(threshold(op, limit), amount))).toEqual(expected)
})

test('a limit is passed once, until the figure has been within it again', () => {
  const crossed = (was: number | undefined, is: number) =>
    crossingsOf([threshold('>', 90)], figures(is), () => was).length
  expect([crossed(undefined, 91), crossed(90, 91), crossed(91, 95), crossed(95, 90)]).toEqual([
    1, 1, 0, 0,
  ])
})

test('each threshold is judged by its own figure, and by each of that name', () => {
  const both = [threshold('>', 90, 'a'), threshold('<', 10, 'b')]
  const found = crossingsOf(both, [...figures(50, 95, 5), { name: 'km', amount: 99 }], () => 50)
  expect(found.map(({ threshold: t, figure }) => [t.key, figure.amount])).toEqual([
    ['a', 95],
    ['b', 5],
  ])
  expect(crossingsOf(both, [], () => undefined)).toEqual([])
})

test('a figure is written with its decimal point and its unit', () => {
  expect(written(945, { scale: 1, unit: 'l' })).toBe('94.5 l')
  expect(written(-5, { scale: 2 })).toBe('-0.05')
  expect(written(7, {})).toBe('7')
})
