import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Payment, isInCircle } from './circular-flow.ts'

const pay = (from: string, to: string, at: number): Payment => ({ from, to, at })

test.each(['a', 'b', 'c'])('a circle of three is one for %s too, wherever it began', (account) => {
  const circle = [pay('a', 'b', 10), pay('b', 'c', 15), pay('c', 'a', 20)]
  expect(isInCircle(account, circle, 10)).toBe(true)
  expect(isInCircle(account, circle.toReversed(), 10)).toBe(true)
  expect(isInCircle(account, circle, 9)).toBe(false)
})

test('the wrong way round, of two, of four, or with a stranger it is none', () => {
  const backwards = [pay('a', 'b', 10), pay('c', 'a', 15), pay('b', 'c', 20)]
  expect(isInCircle('a', backwards, 100)).toBe(false)
  expect(isInCircle('a', [pay('a', 'b', 1), pay('b', 'a', 2)], 100)).toBe(false)
  const four = [pay('a', 'b', 1), pay('b', 'c', 2), pay('c', 'd', 3), pay('d', 'a', 4)]
  expect(isInCircle('a', four, 100)).toBe(false)
  expect(isInCircle('d', [pay('a', 'b', 1), pay('b', 'c', 2), pay('c', 'a', 3)], 9)).toBe(false)
})

test('payments to oneself close no circle', () => {
  expect(isInCircle('a', [pay('a', 'b', 1), pay('b', 'b', 2), pay('b', 'a', 3)], 9)).toBe(false)
  expect(isInCircle('a', [pay('a', 'a', 1), pay('a', 'b', 2), pay('b', 'a', 3)], 9)).toBe(false)
})

const who = fc.constantFrom('a', 'b', 'c', 'd')
const payments = fc.array(fc.record({ from: who, to: who, at: fc.nat(30) }), { maxLength: 14 })

test('circles are found as by trying all threes of payments', () => {
  fc.assert(
    fc.property(payments, fc.nat(12), (all, within) => {
      expect(isInCircle('a', all, within)).toBe(byTrying('a', all, within))
    }),
    { numRuns: 1_000 },
  )
})

function byTrying(account: string, all: readonly Payment[], within: number): boolean {
  return all.some((one) =>
    all.some((two) =>
      all.some((three) => {
        const names = new Set([one.from, two.from, three.from])
        const isRound = one.to === two.from && two.to === three.from && three.to === one.from
        const isInTurn = one.at <= two.at && two.at <= three.at && three.at - one.at <= within
        return names.size === 3 && names.has(account) && isRound && isInTurn
      }),
    ),
  )
}
