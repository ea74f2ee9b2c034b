import { expect, test } from 'vitest'
import {
  type Terms,
  accessUntil,
  attemptOn,
  dueStep,
  monthAfter,
  nextPeriod,
} from './subscription-terms.ts'

const at = (day: string) => new Date(`${day}T10:00:00Z`)
const END = at('2026-12-23')
const terms = (status: string, more: Partial<Terms> = {}): Terms => ({
  status,
  currentPeriodEnd: END,
  cancelAtPeriodEnd: false,
  pastDueSince: null,
  ...more,
})

test.each([
  ['2026-11-23', '2026-11-23', '2026-12-23'],
  ['2026-12-31', '2026-12-31', '2027-01-31'],
  ['2027-01-31', '2027-01-31', '2027-02-28'],
  ['2027-02-28', '2027-01-31', '2027-03-31'],
  ['2028-01-30', '2028-01-30', '2028-02-29'],
  ['2027-03-31', '2027-01-31', '2027-04-30'],
])('a month after %s, begun on %s, is %s', (from, anchor, next) => {
  expect(monthAfter(at(from), at(anchor))).toEqual(at(next))
})

test.each([
  [terms('incomplete'), null],
  [terms('trialing'), at('2027-01-06')],
  [terms('active'), at('2027-01-06')],
  [terms('active', { cancelAtPeriodEnd: true }), END],
  [terms('trialing', { cancelAtPeriodEnd: true }), END],
  [terms('paused'), END],
  [terms('canceled'), END],
  [terms('past_due', { pastDueSince: END }), at('2027-01-06')],
])('%o opens its tier until %o', (of, until) => {
  expect(accessUntil(of)).toEqual(until)
})

test.each([
  ['active', {}, '2026-12-22', undefined],
  ['active', {}, '2026-12-23', 'charge'],
  ['trialing', {}, '2026-12-23', 'charge'],
  ['active', { cancelAtPeriodEnd: true }, '2026-12-22', undefined],
  ['active', { cancelAtPeriodEnd: true }, '2026-12-23', 'end'],
  ['paused', {}, '2027-06-01', undefined],
  ['paused', { cancelAtPeriodEnd: true }, '2026-12-23', 'end'],
  ['past_due', { pastDueSince: END }, '2027-01-05', 'charge'],
  ['past_due', { pastDueSince: END }, '2027-01-06', 'end'],
  ['incomplete', {}, '2027-06-01', undefined],
  ['canceled', {}, '2027-06-01', undefined],
] as const)('%s %o on %s: %s', (status, more, day, step) => {
  expect(dueStep(terms(status, more), at(day))).toBe(step)
})

test('a period follows the last, and one that is long over is not made up for', () => {
  const anchor = at('2026-11-23')
  expect(nextPeriod(END, { now: at('2026-12-25'), anchor })).toEqual({
    start: END,
    end: at('2027-01-23'),
  })
  expect(nextPeriod(END, { now: at('2027-05-01'), anchor })).toEqual({
    start: at('2027-05-01'),
    end: at('2027-06-01'),
  })
})

test('there is one try to be paid a day', () => {
  const tries = ['2026-12-20', '2026-12-23', '2026-12-24', '2027-01-05'].map(at)
  expect(tries.map((now) => attemptOn(END, now))).toEqual([1, 1, 2, 14])
})
