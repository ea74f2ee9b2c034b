import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SUPPLY_CAP } from '../amount.ts'
import { networkFee } from './network-fee.ts'

test.each([
  [0n, 0n],
  [1n, 1_000n],
  [200_000n, 1_000n],
  [200_199n, 1_000n],
  [200_200n, 1_001n],
  [1_000_000n, 5_000n],
  [SUPPLY_CAP, 45_000_000_000_000n],
])('of %s micro-tokens to another node the fee is %s', (amount, fee) => {
  expect(networkFee(amount, true)).toBe(fee)
})

test('within one node nothing is taken', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: SUPPLY_CAP }), (amount) => {
      expect(networkFee(amount, false)).toBe(0n)
    }),
  )
})

test('who sends more never pays less, and never more than the share or the minimum', () => {
  const amounts = fc.bigInt({ min: 1n, max: SUPPLY_CAP })
  fc.assert(
    fc.property(amounts, amounts, (a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a]
      expect(networkFee(less, true)).toBeLessThanOrEqual(networkFee(more, true))
      const fee = networkFee(a, true)
      expect(fee === 1_000n || fee * 200n <= a).toBe(true)
      expect((fee + 1n) * 200n).toBeGreaterThan(a)
      expect(fee).toBeGreaterThanOrEqual(1_000n)
    }),
  )
})

test('another rule is followed as it stands', () => {
  expect(networkFee(999n, true, { basisPoints: 100, minimum: 0n })).toBe(9n)
})
