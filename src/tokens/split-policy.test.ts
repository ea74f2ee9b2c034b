import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../test/tokens/town.ts'
import { SUPPLY_CAP } from './amount.ts'
import { type SplitPolicy, checkSplit, isSoundPolicy, sharesOf } from './split-policy.ts'
import type { Credit } from './transfer.ts'

const POLICY: SplitPolicy = {
  name: 'angel',
  legs: [
    { role: 'ai', basisPoints: 1_500 },
    { role: 'human', basisPoints: 3_000 },
    { role: 'platform', basisPoints: 5_000 },
    { role: 'justice', basisPoints: 500, to: didOf('justice') },
  ],
  residual: 'platform',
}
const ROLES = ['ai', 'human', 'platform', 'justice']

const vectors = [
  [10_000, 1_500, 3_000, 5_000, 500],
  [1_003, 150, 300, 503, 50],
  [333, 49, 99, 169, 16],
  [99, 14, 29, 52, 4],
  [3, 0, 0, 3, 0],
  [1, 0, 0, 1, 0],
  [101, 15, 30, 51, 5],
] as const
test.each(vectors)('%i is split into %i, %i, %i and %i', (base, ...parts) => {
  const shares = sharesOf(POLICY, BigInt(base))
  expect(ROLES.map((role) => Number(shares.get(role)))).toEqual(parts)
})

const amounts = fc.bigInt({ min: 1n, max: SUPPLY_CAP })

test('shares add up to the whole, and all but the residual one are rounded down', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      const shares = sharesOf(POLICY, amount)
      expect([...shares.values()].reduce((a, b) => a + b)).toBe(amount)
      for (const { role, basisPoints } of POLICY.legs) {
        const floor = (amount * BigInt(basisPoints)) / 10_000n
        if (role === POLICY.residual) expect(shares.get(role)! - floor).toBeLessThan(4n)
        else expect(shares.get(role)).toBe(floor)
        expect(shares.get(role)).toBeGreaterThanOrEqual(0n)
      }
    }),
  )
})

const creditsOf = (amount: bigint): Credit[] =>
  [...sharesOf(POLICY, amount)]
    .filter(([, share]) => share > 0n)
    .map(([role, share]) => ({ to: didOf(role), amount: Number(share), role }))

test('credits that follow a policy pass, and one micro-token off in any leg does not', () => {
  fc.assert(
    fc.property(amounts, fc.nat(3), fc.constantFrom(-1, 1), (amount, at, by) => {
      const credits = creditsOf(amount)
      expect(checkSplit(POLICY, credits)).toBeUndefined()
      const fee = { to: didOf('fees'), amount: 77, role: 'fee' }
      expect(checkSplit(POLICY, [...credits, fee])).toBeUndefined()
      const index = at % credits.length
      const leg = credits[index]!
      const moved = credits.with(index, { ...leg, amount: leg.amount + by })
      const back = moved.with((index + 1) % credits.length, {
        ...moved[(index + 1) % credits.length]!,
        amount: moved[(index + 1) % credits.length]!.amount - by,
      })
      if (credits.length > 1) expect(checkSplit(POLICY, back)).toMatchObject({ reason: 'BadSplit' })
    }),
  )
})

test('a leg too few, too many, of another role or at another account is refused', () => {
  const credits = creditsOf(10_000n)
  const justice = credits.findIndex(({ role }) => role === 'justice')
  const wrong = [
    credits.slice(1),
    [...credits, { to: didOf('x'), amount: 1, role: 'ai' }],
    credits.with(0, { ...credits[0]!, role: 'helper' }),
    credits.with(justice, { ...credits[justice]!, to: didOf('elsewhere') }),
    credits.map(({ to, amount }) => ({ to, amount })),
  ]
  for (const one of wrong) expect(checkSplit(POLICY, one)).toMatchObject({ reason: 'BadSplit' })
})

test('a policy that makes no whole, or names a fee, cannot be followed', () => {
  expect(isSoundPolicy(POLICY)).toBe(true)
  const [ai, human, platform, justice] = POLICY.legs as [never, never, never, never]
  expect(isSoundPolicy({ ...POLICY, legs: [ai, human, platform] })).toBe(false)
  expect(isSoundPolicy({ ...POLICY, residual: 'nobody' })).toBe(false)
  expect(isSoundPolicy({ ...POLICY, legs: [ai, human, platform, justice, ai] })).toBe(false)
  const fee = { role: 'fee', basisPoints: 500 }
  expect(isSoundPolicy({ ...POLICY, legs: [ai, human, platform, fee] })).toBe(false)
})
