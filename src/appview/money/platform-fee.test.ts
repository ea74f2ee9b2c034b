import fc from 'fast-check'
import { expect, test } from 'vitest'
import { negotiatedFee, optimizedFee, performanceFee, volumeFee } from './platform-fee.ts'

test('a negotiated fee stays within what any space pays', () => {
  expect([100, 800, 1_234.4, 3_000, 9_000].map((bp) => negotiatedFee(bp).feeBp)).toEqual([
    800, 800, 1_234, 3_000, 3_000,
  ])
})

test('growth makes a fee smaller by full steps, decline makes it larger, both within bounds', () => {
  const fee = (current: number, before: number, now: number) =>
    performanceFee(current, { before, now }).feeBp
  expect(fee(1_500, 1_000, 1_199)).toBe(1_500)
  expect(fee(1_500, 1_000, 1_200)).toBe(1_400)
  expect(fee(1_500, 1_000, 1_450)).toBe(1_300)
  expect(fee(1_400, 1_000, 9_000)).toBe(1_000)
  expect(fee(1_200, 1_000, 799)).toBe(1_300)
  expect(fee(1_200, 1_000, 0)).toBe(1_500)
  expect(fee(1_200, 0, 5_000)).toBe(1_200)
})

test('of a volume each part pays by its own tier, so selling more never earns less', () => {
  expect(volumeFee(0)).toBe(0)
  expect(volumeFee(1_000_000)).toBe(150_000)
  expect(volumeFee(1_000_100)).toBe(150_012)
  expect(volumeFee(5_000_000)).toBe(630_000)
  expect(volumeFee(20_000_000)).toBe(630_000 + 500_000 + 800_000)
  fc.assert(
    fc.property(fc.nat(1_000_000_000), fc.nat(1_000_000), (net, more) => {
      const kept = (volume: number) => volume - volumeFee(volume)
      expect(kept(net + more)).toBeGreaterThanOrEqual(kept(net))
    }),
  )
})

test('a fee by signals moves at most a point at a time and stays within its bounds', () => {
  const even = 50
  const middle = {
    velocity: even,
    engagement: even,
    quality: even,
    platformValue: even,
    market: even,
    competitive: even,
  }
  expect(optimizedFee(middle, 2_000).feeBp).toBe(2_000)
  expect(optimizedFee({ ...middle, velocity: 70 }, 2_000).feeBp).toBe(1_900)
  expect(optimizedFee({ ...middle, velocity: 60 }, 2_000).feeBp).toBe(1_950)
  expect(optimizedFee({ ...middle, platformValue: 100 }, 2_450).feeBp).toBe(2_350)
  const signal = fc.nat(100)
  const signals = fc.record({
    velocity: signal,
    engagement: signal,
    quality: signal,
    platformValue: signal,
    market: signal,
    competitive: signal,
  })
  fc.assert(
    fc.property(signals, fc.integer({ min: 800, max: 2_500 }), (said, current) => {
      const { feeBp } = optimizedFee(said, current)
      expect(Math.abs(feeBp - current)).toBeLessThanOrEqual(100)
      expect(feeBp >= 800 && feeBp <= 2_500).toBe(true)
    }),
  )
})
