import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitRefund, splitRevenue } from './revenue-split.ts'

const amounts = fc.oneof(
  fc.integer({ min: 0, max: 10_000_000 }),
  fc.maxSafeInteger().map((n) => Math.abs(n)),
)
const sum = (split: object) =>
  Object.values(split).reduce((a: bigint, b: number) => a + BigInt(b), 0n)

test.each([
  [10_000, 1_500, 3_000, 5_000, 500],
  [1_003, 150, 300, 503, 50],
  [333, 49, 99, 169, 16],
  [99, 14, 29, 52, 4],
  [3, 0, 0, 3, 0],
  [1, 0, 0, 1, 0],
  [101, 15, 30, 51, 5],
  [0, 0, 0, 0, 0],
])('%i is split so that nothing is lost', (base, ...shares) => {
  const [aiPartner, humanPartner, platformOperations, justiceFund] = shares
  expect(splitRevenue(base)).toEqual({ aiPartner, humanPartner, platformOperations, justiceFund })
})

test('shares add up to the amount, whatever it is', () => {
  const addsUp = (base: number) => sum(splitRevenue(base)) === BigInt(base)
  fc.assert(fc.property(amounts, addsUp))
})

test('three refunds of 1003 take back what they were said to, and leave nothing', () => {
  const refunds = [
    [0, 334, [50, 100, 168, 16]],
    [334, 334, [50, 100, 167, 17]],
    [668, 335, [50, 100, 168, 17]],
  ] as const
  for (const [
    before,
    refund,
    [aiPartner, humanPartner, platformOperations, justiceFund],
  ] of refunds)
    expect(splitRefund({ base: 1_003, before, refund })).toEqual({
      aiPartner,
      humanPartner,
      platformOperations,
      justiceFund,
    })
})

test('any refunds that come to all of it take back exactly what each party had', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(cuts, (refunds) => {
      const base = refunds.reduce((a, b) => a + b, 0)
      let before = 0
      const taken = { aiPartner: 0, humanPartner: 0, platformOperations: 0, justiceFund: 0 }
      for (const refund of refunds) {
        const back = splitRefund({ base, before, refund })
        expect(sum(back)).toBe(BigInt(refund))
        for (const [party, amount] of Object.entries(back))
          taken[party as keyof typeof taken] += amount
        before += refund
      }
      expect(taken).toEqual(splitRevenue(base))
    }),
  )
})

test('what is no amount is refused, and so is a refund of more than was paid', () => {
  for (const base of [-1, 0.5, Number.NaN, 2 ** 53])
    expect(() => splitRevenue(base)).toThrow('is no amount')
  expect(() => splitRefund({ base: 10, before: 8, refund: 3 })).toThrow('more is refunded')
})
