import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compactOf, derOf } from './der.ts'

/** 32 bytes that often begin with zeros, or with a bit that is set. */
const number = fc
  .tuple(fc.nat(32), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, digits]) => digits.fill(0, 0, zeros))

test('two numbers are written as the reference library writes them, and read back', () => {
  fc.assert(
    fc.property(number, number, (r, s) => {
      const compact = Uint8Array.of(...r, ...s)
      const der = derOf(compact)
      expect(compactOf(der)).toEqual(compact)
      const isIn = (one: Uint8Array) => {
        const value = BigInt(`0x${Buffer.from(one).toString('hex')}`)
        return value > 0n && value < p256.Point.Fn.ORDER
      }
      if (!isIn(r) || !isIn(s)) return
      const theirs = p256.Signature.fromBytes(compact, 'compact').toBytes('der')
      expect(der).toEqual(theirs)
    }),
    { numRuns: 500 },
  )
})

test('OpenSSL takes a signature in one form just when it does in the other', () => {
  const { publicKey: key, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = Buffer.from('what was signed')
  const dsaEncoding = 'ieee-p1363'
  fc.assert(
    fc.property(fc.option(fc.tuple(fc.nat(63), fc.nat(255)), { freq: 2 }), (change) => {
      const compact = Uint8Array.from(sign('sha256', text, { key: privateKey, dsaEncoding }))
      if (change) compact[change[0]] = change[1]
      const truth = verify('sha256', text, { key, dsaEncoding }, compact)
      expect(verify('sha256', text, key, derOf(compact))).toBe(truth)
    }),
    { numRuns: 100 },
  )
})

test('what is no signature in DER is not read as one', () => {
  const good = derOf(new Uint8Array(64).fill(1))
  expect(compactOf(good)).toEqual(new Uint8Array(64).fill(1))
  for (const bad of [good.subarray(0, 40), good.with(2, 4), good.with(3, 40), new Uint8Array()]) {
    expect(() => compactOf(bad)).toThrow('two numbers')
  }
})
