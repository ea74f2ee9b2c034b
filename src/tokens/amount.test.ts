import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SUPPLY_CAP, amountField, readAmount, readTokens, showTokens } from './amount.ts'

const micro = fc.bigInt({ min: 1n, max: SUPPLY_CAP })

test('every whole number from 1 to the supply cap is an amount', () => {
  fc.assert(
    fc.property(micro, (amount) => {
      expect(readAmount(Number(amount))).toBe(amount)
    }),
  )
  expect(SUPPLY_CAP).toBeLessThan(BigInt(Number.MAX_SAFE_INTEGER))
})

test('nothing else is an amount, whatever it is', () => {
  const others = [0, -1, 1.5, Number(SUPPLY_CAP) + 1, 2 ** 53 - 1, 2 ** 53, 1e300, NaN, Infinity]
  const objects: unknown[] = [null, undefined, '5', 5n, true, {}, [], { toString: 1, valueOf: 1 }]
  for (const value of [...others, ...objects]) {
    expect(readAmount(value)).toMatchObject({ ok: false, reason: 'BadAmount' })
  }
})

test('what is shown as tokens reads as the same micro-tokens', () => {
  fc.assert(
    fc.property(micro, (amount) => {
      expect(readTokens(showTokens(amount))).toBe(amount)
    }),
  )
  expect([1n, 1_500_000n, -20n].map(showTokens)).toEqual(['0.000001', '1.5', '-0.00002'])
})

test('people cannot write amounts that are none', () => {
  for (const text of ['', '0', '-1', '+1', '1.', '.5', '1,5', '1e3', '0.0000001', '9000000001']) {
    expect(readTokens(text)).toBeUndefined()
  }
})

test('a sum that no record can hold is a fault of the program', () => {
  expect(() => amountField(SUPPLY_CAP + 1n)).toThrow(RangeError)
  expect(amountField(-5n)).toBe(-5)
})
