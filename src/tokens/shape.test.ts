import { expect, test } from 'vitest'
import { nativeCrypto } from '../crypto/native.ts'
import { cidOf, decodeRecord, encodeRecord } from './encoding.ts'
import { type Check, bytes, checkShape, cid, did, fields, instant, int } from './shape.ts'

const passes = (check: Check, value: unknown) => check(value, 'it') === undefined
const decoded = (record: object) => decodeRecord(encodeRecord(record)) as { value: unknown }

test('a field that is not known, or not there, is a fault with its place', () => {
  const shape = fields({ a: int(1, 2) }, { b: int(0) })
  expect(checkShape(shape, { a: 1, b: 0 }, 'it')).toBeUndefined()
  expect(shape({ a: 1, c: 0 }, 'it')).toBe('it.c is not known')
  expect(shape({ b: 1 }, 'it')).toBe('it.a is missing')
  expect(shape({ a: 3 }, 'it')).toBe('it.a is no integer from 1 to 2')
  expect(shape({ a: 1, toString: 0 }, 'it')).toBe('it.toString is not known')
  for (const value of [null, [], 'a', undefined, 1]) expect(passes(shape, value)).toBe(false)
})

test('a refusal is short, whatever it speaks of', () => {
  const fault = checkShape(fields({}), { ['x'.repeat(60_000)]: 1 }, 'it')
  expect(fault!.detail.length).toBeLessThanOrEqual(500)
})

test('a map that looks like bytes in JSON is no bytes', () => {
  const text = Buffer.alloc(64).toString('base64').replaceAll('=', '')
  const map = decoded({ signature: { $bytes: text, more: 1 } })
  expect(passes(fields({ signature: bytes(64) }), map.value)).toBe(false)
})

test('only instants that there are pass, each in one form', () => {
  for (const real of ['2026-11-28T12:00:00.000Z', '2028-02-29T23:59:59.999Z']) {
    expect(passes(instant, real)).toBe(true)
  }
  const unreal = [
    '2026-02-29T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
  ]
  const otherwise = ['2026-01-01T00:00:60.000Z', '2026-01-01T00:00:00Z', '2026-01-01', '', 5]
  for (const value of [...unreal, ...otherwise]) expect(passes(instant, value)).toBe(false)
})

test('an account has one spelling', () => {
  const good = ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:web:example.com', 'did:web:host%3A8080']
  for (const one of good) expect(passes(did, one)).toBe(true)
  const other = ['did:web:Example.com', 'did:web:example.com.', 'did:web:example.com%2e']
  const none = ['did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ', 'did:web:a:b', 'did:web:', 'did:key:zQ3', 'x']
  for (const one of [...other, ...none]) expect(passes(did, one)).toBe(false)
})

test('a CID has one spelling', () => {
  const one = cidOf(nativeCrypto, {})
  expect(passes(cid, one)).toBe(true)
  // The last letter has two bits that say nothing; only zeros are right.
  const next = String.fromCodePoint(one.codePointAt(58)! + 1)
  expect(passes(cid, one.slice(0, 58) + next)).toBe(false)
  expect(passes(cid, `${one}a`)).toBe(false)
  expect(passes(cid, one.toUpperCase())).toBe(false)
})
