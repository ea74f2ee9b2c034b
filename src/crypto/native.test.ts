import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativeCrypto } from './native.ts'

test('a digest is SHA-256, byte for byte, in bytes of its own', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const digest = nativeCrypto.sha256(bytes)
      expect(Buffer.from(digest)).toEqual(hash('sha256', bytes, 'buffer'))
      expect(digest.buffer.byteLength).toBe(32)
    }),
  )
})
