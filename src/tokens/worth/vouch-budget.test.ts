import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY } from './read-instant.ts'
import { VOUCH_BUDGET, type VouchRecord, countedVouches } from './vouch-budget.ts'

const NOW = Date.parse('2026-11-28T12:00:00.000Z')
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString()
const vouch = (to: string, days: number, expiresAt?: string): VouchRecord => ({
  did: 'ada',
  to,
  createdAt: daysAgo(days),
  ...(expiresAt !== undefined && { expiresAt }),
})
const counted = (...records: VouchRecord[]) => countedVouches(records, NOW).map(({ to }) => to)

test('a vouch counts for a year from its beginning, or until it says', () => {
  expect(counted(vouch('ben', 364))).toEqual(['ben'])
  expect(counted(vouch('ben', 365))).toEqual([])
  expect(counted(vouch('ben', 400, daysAgo(-1)))).toEqual(['ben'])
  expect(counted(vouch('ben', 10, daysAgo(0)))).toEqual([])
  expect(counted(vouch('ben', 0))).toEqual(['ben'])
})

test('no vouch counts for more than two years, whatever it says', () => {
  expect(counted(vouch('ben', 729, '9000-01-01T00:00:00.000Z'))).toEqual(['ben'])
  expect(counted(vouch('ben', 730, '9000-01-01T00:00:00.000Z'))).toEqual([])
})

test('what is for oneself, of the future, or at no time there is counts for nothing', () => {
  expect(counted(vouch('ada', 1), vouch('ben', -1))).toEqual([])
  expect(counted({ did: 'ada', to: 'ben', createdAt: '2026-11-28T12:00:00' })).toEqual([])
  expect(counted(vouch('ben', 1, 'never'))).toEqual([])
})

test('of 101 vouches the oldest hundred stand, and one withdrawn frees a place', () => {
  const all = Array.from({ length: 101 }, (_, n) => vouch(`p${100 + n}`, 200 - n))
  expect(counted(...all)).toEqual(all.slice(0, 100).map(({ to }) => to))
  expect(counted(...all.slice(1))).toContain('p200')
  const expired = vouch('p100', 366)
  expect(counted(expired, ...all.slice(1))).toContain('p200')
})

test('of equally old ones those for the smaller DID stand, whichever comes first', () => {
  const both = [vouch('cy', 5), vouch('ben', 5)]
  const one = { ...VOUCH_BUDGET, most: 1 }
  expect(countedVouches(both, NOW, one)).toEqual([{ from: 'ada', to: 'ben' }])
  expect(countedVouches(both.toReversed(), NOW, one)).toEqual([{ from: 'ada', to: 'ben' }])
})

test('of several for one person the newest counts, even to end it sooner', () => {
  expect(counted(vouch('ben', 400), vouch('ben', 3))).toEqual(['ben'])
  expect(counted(vouch('ben', 100), vouch('ben', 50, daysAgo(2)))).toEqual([])
  expect(counted(vouch('ben', 50, daysAgo(2)), vouch('ben', 100))).toEqual([])
  expect(counted(vouch('ben', 50), vouch('ben', 50, daysAgo(2)))).toEqual([])
})

const name = fc.constantFrom('ada', 'ben', 'cy', 'dot', 'eve')
const records = fc.array(
  fc.record(
    {
      did: name,
      to: name,
      createdAt: fc.integer({ min: -1, max: 9 }).map((n) => daysAgo(n * 90)),
      expiresAt: fc.integer({ min: -9, max: 4 }).map((n) => daysAgo(n * 90)),
    },
    { requiredKeys: ['did', 'to', 'createdAt'] },
  ),
)

test('the order of records changes nothing, and nobody has more than the budget', () => {
  fc.assert(
    fc.property(records, fc.infiniteStream(fc.nat()), fc.nat(3), (all, keys, most) => {
      const budget = { ...VOUCH_BUDGET, most }
      const once = countedVouches(all, NOW, budget)
      const keyed = all.map((record) => ({ record, key: keys.next().value as number }))
      const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ record }) => record)
      expect(countedVouches(shuffled, NOW, budget)).toEqual(once)
      const names = once.map(({ from, to }) => `${from} ${to}`)
      expect(names).toEqual([...new Set(names)].toSorted())
      for (const did of new Set(once.map(({ from }) => from))) {
        expect(once.filter(({ from }) => from === did).length).toBeLessThanOrEqual(most)
      }
    }),
  )
})
