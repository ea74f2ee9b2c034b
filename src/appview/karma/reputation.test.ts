import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  contributionLevel,
  humanWorthScore,
  impactScore,
  networkInfluence,
  trustRating,
} from './reputation.ts'

test.each([
  [0, 'newcomer'],
  [99, 'newcomer'],
  [100, 'contributor'],
  [999, 'contributor'],
  [1_000, 'guardian_angel'],
  [2_499, 'guardian_angel'],
  [2_500, 'network_steward'],
  [4_999, 'network_steward'],
  [5_000, 'elder'],
])('with %i points somebody is a %s', (score, level) => {
  expect(contributionLevel(score)).toBe(level)
})

test('human worth adds fractions exactly, and rounds down the sum', () => {
  // 300/501 + 250/501 + 200/501 + 150/501 + 100/501 = 1000/501: each alone would be nothing.
  const one = {
    community_support: 1,
    content_creation: 1,
    mentorship: 1,
    justice_advocacy: 1,
    technical_help: 1,
  }
  expect(humanWorthScore(one, true)).toBe(1)
  expect(humanWorthScore({ community_support: 500 }, true)).toBe(150)
  expect(humanWorthScore({ community_support: 500 }, false)).toBe(0)
  expect(humanWorthScore({}, true)).toBe(0)
})

const karma = fc.nat({ max: Number.MAX_SAFE_INTEGER })

test('human worth stays below 1000, and more karma never makes less of it', () => {
  fc.assert(
    fc.property(karma, karma, fc.nat({ max: 10_000 }), (a, b, more) => {
      const score = humanWorthScore({ mentorship: a, technical_help: b }, true)
      expect(score).toBeLessThan(1_000)
      const grown = Math.min(a + more, Number.MAX_SAFE_INTEGER)
      const after = humanWorthScore({ mentorship: grown, technical_help: b }, true)
      expect(after).toBeGreaterThanOrEqual(score)
    }),
  )
})

const NO_TRUST = {
  confirmedTransfers: 0,
  acceptedAwards: 0,
  failed: 0,
  reversed: 0,
  upheldFlags: 0,
}

test('trust begins in the middle, and a reversal weighs as three failures', () => {
  expect(trustRating(NO_TRUST)).toBe(50)
  expect(trustRating({ ...NO_TRUST, confirmedTransfers: 4, acceptedAwards: 4 })).toBe(90)
  expect(trustRating({ ...NO_TRUST, reversed: 1 })).toBe(trustRating({ ...NO_TRUST, failed: 3 }))
  expect(trustRating({ ...NO_TRUST, upheldFlags: 2 })).toBe(13)
})

test('influence grows with people and with their nodes, from nothing to 100', () => {
  expect(networkInfluence(0, 0)).toBe(0)
  expect(networkInfluence(20, 1)).toBe(50)
  expect(networkInfluence(20, 3)).toBe(67)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 1e6 }), (d, m) => {
      const influence = networkInfluence(d, m)
      expect(influence).toBeGreaterThanOrEqual(0)
      expect(influence).toBeLessThanOrEqual(100)
      expect(networkInfluence(d + 1, m)).toBeGreaterThanOrEqual(influence)
      expect(networkInfluence(d, m + 1)).toBeGreaterThanOrEqual(influence)
    }),
  )
})

test('impact counts three witnesses at most, and is never more than 100', () => {
  const helped = { contribution: 'mentorship', witnesses: 0, hasEvidence: false } as const
  expect(impactScore({ ...helped, isConfirmed: false })).toBe(30)
  expect(impactScore({ ...helped, witnesses: 9, isConfirmed: true })).toBe(80)
  const all = { witnesses: 3, hasEvidence: true, isConfirmed: true }
  expect(impactScore({ ...all, contribution: 'technical_help' })).toBe(85)
  expect(impactScore({ ...all, contribution: 'content_creation' })).toBe(80)
})
