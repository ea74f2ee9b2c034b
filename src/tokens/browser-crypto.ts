import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { decodeBase58 } from './base58.ts'
import type { TokenCrypto } from './token-crypto.ts'

const PREFIX = 'did:key:z'
/** Decoding base58 takes quadratic time; the two keys of atproto are 57 characters long. */
const LENGTH_MAX = 80

/** The two primitives in plain JavaScript, for where there are no native ones: a browser. It takes
 *  just what the native ones take, and some milliseconds for each signature. */
export const browserCrypto: TokenCrypto = {
  sha256: (bytes) => sha256(bytes),
  verify({ didKey, bytes, signature }) {
    const key = keyOf(didKey)
    if (key === undefined || signature.length !== 64) return false
    try {
      // The library takes a high s of P-256 unless it is told not to.
      return key.curve.verify(signature, sha256(bytes), key.point, {
        lowS: true,
        prehash: false,
        format: 'compact',
      })
    } catch {
      return false
    }
  },
}

/** The curve and the compressed point that a did:key names. */
function keyOf(didKey: string) {
  if (!didKey.startsWith(PREFIX) || didKey.length > LENGTH_MAX) return undefined
  const bytes = decodeBase58(didKey.slice(PREFIX.length))
  if (bytes?.length !== 35) return undefined
  const point = bytes.subarray(2)
  if (bytes[0] === 0x80 && bytes[1] === 0x24) return { curve: p256, point }
  if (bytes[0] === 0xe7 && bytes[1] === 0x01) return { curve: secp256k1, point }
  return undefined
}
