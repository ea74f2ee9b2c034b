import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativeCrypto } from '../crypto/native.ts'
import { cidBytes, cidBytesOf, cidOf, decodeRecord, encodeRecord } from './encoding.ts'

const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 5 }).filter(isPlain), tie('node'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).node
const record = fc.dictionary(fc.string({ maxLength: 5 }).filter(isPlain), value, {
  maxKeys: 6,
  noNullPrototype: true,
})

/** Keys that are names of something else in JSON or JavaScript have tests of their own. */
function isPlain(key: string): boolean {
  return !['$bytes', '$link', '__proto__', 'constructor'].includes(key)
}

test('what is written is read again, and has one form', () => {
  fc.assert(
    fc.property(record, (one) => {
      const bytes = encodeRecord(one)
      const read = decodeRecord(bytes)
      expect(read).toMatchObject({ ok: true })
      expect(encodeRecord((read as { value: object }).value)).toEqual(bytes)
    }),
  )
})

test('bytes that were changed anywhere are refused or are the one form of what they say', () => {
  fc.assert(
    fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, by) => {
      const bytes = Uint8Array.from(encodeRecord(one))
      bytes[at % bytes.length]! ^= by
      const read = decodeRecord(bytes)
      if (read.ok) expect(encodeRecord(read.value as object)).toEqual(bytes)
      else expect(['NotCanonical', 'Malformed']).toContain(read.reason)
    }),
    { numRuns: 500 },
  )
})

const bad = {
  'an integer longer than it need be': 'a161611805',
  'a float with an integer value': 'a16161fb4014000000000000',
  'a zero below zero': 'a16161fb8000000000000000',
  'not a number': 'a16161fb7ff8000000000000',
  'a short float': 'a16161f94500',
  'keys out of order': 'a2616201616102',
  'a key twice': 'a2616101616101',
  'bytes behind the end': 'a161610500',
  'a map without a length': 'bf616105ff',
  'a text without a length': 'a161617f6161ff',
  'something undefined': 'a16161f7',
  'a number as a key': 'a10105',
  'a tag': 'a16161c063616263',
  'text that is no UTF-8': 'a1616161ff',
  'an integer of more than 53 bits': 'a161611b0020000000000000',
  'text in the place of bytes': 'a16161a166246279746573624141',
  'a list that ends early': 'a161618201',
  nothing: '',
}
for (const [name, hex] of Object.entries(bad)) {
  test(`not canonical: ${name}`, () => {
    const read = decodeRecord(Buffer.from(hex, 'hex'))
    expect(read.ok ? read.value : read.reason).toMatch(/^(NotCanonical|Malformed)$/)
  })
}

test('what is too large or too deep is refused and throws nothing', () => {
  expect(decodeRecord(new Uint8Array(65_537))).toMatchObject({ reason: 'TooLarge' })
  const deep = new Uint8Array(65_536).fill(0x81)
  deep[65_535] = 0
  expect(decodeRecord(deep)).toMatchObject({ reason: 'Malformed' })
})

test('the text of a CID and its bytes are the same', () => {
  fc.assert(
    fc.property(record, (one) => {
      const cid = cidOf(nativeCrypto, one)
      expect(cidBytes(cid)).toEqual(cidBytesOf(nativeCrypto, one))
      expect(Buffer.from(cidBytes(cid)).toString('hex')).toMatch(/^01711220[0-9a-f]{64}$/)
    }),
  )
})
