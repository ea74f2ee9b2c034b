import { decode, encode } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanCbor } from './cbor-scan.ts'

const WIDE = { depth: 1000, items: 1_000_000 }

test('the scan ends where the item ends, for whatever the encoder writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const bytes = encode(whole(value))
      expect(scanCbor(bytes, WIDE)).toEqual({ end: bytes.length })
      const followed = Buffer.concat([Buffer.from([0]), bytes, Buffer.from([0xff])])
      expect(scanCbor(followed, WIDE, 1)).toEqual({ end: bytes.length + 1 })
    }),
  )
})

test('whatever the decoder takes, the scan calls well formed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      if (!decodes(bytes)) return
      expect(scanCbor(bytes, WIDE)).toEqual({ end: bytes.length })
    }),
    { numRuns: 2000 },
  )
})

test('an item cut short anywhere is malformed', () => {
  const bytes = encode({ a: [1, 'two', { three: true }], b: 1_000_000 })
  for (let length = 0; length < bytes.length; length += 1) {
    expect(scanCbor(bytes.subarray(0, length), WIDE)).toEqual({ fault: 'Malformed' })
  }
})

test('nesting is counted, and a million levels cost neither stack nor time', () => {
  const nested = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x81), Buffer.from([0])])
  expect(scanCbor(nested(32), { depth: 32, items: 100 })).toEqual({ end: 33 })
  expect(scanCbor(nested(33), { depth: 32, items: 100 })).toEqual({ fault: 'TooDeep' })
  expect(scanCbor(nested(1_000_000), { depth: 32, items: 100 })).toEqual({ fault: 'TooDeep' })
  const tags = Buffer.concat([Buffer.alloc(1_000_000, 0xc6), Buffer.from([0])])
  expect(scanCbor(tags, { depth: 32, items: 100 })).toEqual({ fault: 'TooMany' })
})

test('values are counted, and a length that the bytes cannot hold is malformed', () => {
  expect(scanCbor(encode([1, 2, 3]), { depth: 1, items: 4 })).toEqual({ end: 4 })
  expect(scanCbor(encode([1, 2, 3]), { depth: 1, items: 3 })).toEqual({ fault: 'TooMany' })
  for (const major of [0x5b, 0x7b, 0x9b, 0xbb]) {
    const bytes = Buffer.concat([Buffer.from([major]), Buffer.alloc(8, 0xff), Buffer.alloc(50)])
    expect(scanCbor(bytes, WIDE)).toEqual({ fault: 'Malformed' })
  }
})

test('lengths that are not told in advance are malformed', () => {
  for (const first of [0x5f, 0x7f, 0x9f, 0xbf, 0xff, 0x1c]) {
    expect(scanCbor(Buffer.from([first, 0xff]), WIDE)).toEqual({ fault: 'Malformed' })
  }
})

function decodes(bytes: Uint8Array): boolean {
  try {
    decode(bytes)
    return true
  } catch {
    return false
  }
}

/** The data model has no fractions. */
function whole(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === 'number' ? Math.trunc(part % 2 ** 50) : part,
  )
}
