import { sameBytes } from '../../src/tokens/encoding.ts'
import type { TokenCrypto, TokenSigner } from '../../src/tokens/token-crypto.ts'

/** Primitives for a run, real or not, and how a signature is written in its other form. */
export type CryptoSuite = {
  readonly crypto: TokenCrypto
  /** The same signer for the same name. */
  signer(name: string): TokenSigner
  /** The same signature with a high s. */
  withHighS(signature: Uint8Array): Uint8Array
}

type State = readonly [number, number, number, number]

const START: State = [1779033703, 3144134277, 1013904242, 2773480762]

/**
 * A hash and signatures that cost next to nothing: the hash is none that resists anybody, and a
 * signature is a code that everybody can make who has the name of the key. What the actors of a
 * simulation try (other bytes, another's key, a high s, chance) is refused as the real one would.
 */
export function stubSuite(): CryptoSuite {
  const keys = new Map<string, State>()
  const keyed = (didKey: string): State => {
    const known = keys.get(didKey)
    if (known) return known
    const state = absorb(START, new TextEncoder().encode(didKey))
    keys.set(didKey, state)
    return state
  }
  const sign = (didKey: string, bytes: Uint8Array): Uint8Array => {
    const half = squeeze(absorb(keyed(didKey), bytes))
    const signature = new Uint8Array(64)
    signature.set(half, 0)
    signature.set(half, 32)
    signature[32]! &= 0x7f
    return signature
  }
  return {
    crypto: {
      sha256: (bytes) => squeeze(absorb(START, bytes)),
      verify: ({ didKey, bytes, signature }) => sameBytes(sign(didKey, bytes), signature),
    },
    signer(name) {
      const text = [...squeeze(absorb(START, new TextEncoder().encode(name)))]
        .map((byte) => ALPHABET[byte % ALPHABET.length]!)
        .join('')
      // Of the form that keys of validators must have.
      const didKey = `did:key:zDnaeStubStubStub${text}`
      return { didKey, sign: (bytes) => sign(didKey, bytes) }
    },
    withHighS(signature) {
      const other = signature.slice()
      other[32]! |= 0x80
      return other
    },
  }
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Takes bytes in, four at a time (cyrb128). */
function absorb([first, second, third, fourth]: State, bytes: Uint8Array): State {
  let [a, b, c, d] = [first, second, third, fourth]
  const mix = (word: number): void => {
    a = b ^ Math.imul(a ^ word, 597399067)
    b = c ^ Math.imul(b ^ word, 2869860233)
    c = d ^ Math.imul(c ^ word, 951274213)
    d = a ^ Math.imul(d ^ word, 2716044179)
  }
  const whole = bytes.length & ~3
  let at = 0
  for (; at < whole; at += 4) {
    mix(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
  }
  for (; at < bytes.length; at += 1) mix(bytes[at]! | 0x100)
  mix(bytes.length)
  return [a, b, c, d]
}

function squeeze([a, b, c, d]: State): Uint8Array {
  const words = new Uint32Array(8)
  let state = [a, b, c, d]
  for (let at = 0; at < 8; at += 4) {
    const [w, x, y, z] = state as [number, number, number, number]
    const mixed = [
      Math.imul(y ^ (w >>> 18), 597399067),
      Math.imul(z ^ (x >>> 22), 2869860233),
      Math.imul(w ^ (y >>> 17), 951274213),
      Math.imul(x ^ (z >>> 19), 2716044179),
    ] as const
    const all = mixed[0] ^ mixed[1] ^ mixed[2] ^ mixed[3]
    words.set([all ^ w, mixed[1] ^ all, mixed[2] ^ all, mixed[3] ^ all], at)
    state = [mixed[0] ^ x, mixed[1] ^ y, mixed[2] ^ z, mixed[3] ^ w]
  }
  return new Uint8Array(words.buffer)
}
