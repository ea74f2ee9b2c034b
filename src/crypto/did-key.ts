import {
  P256_DID_PREFIX,
  P256_JWT_ALG,
  SECP256K1_DID_PREFIX,
  SECP256K1_JWT_ALG,
  formatDidKey,
  multibaseToBytes,
} from '@atproto/crypto'
import { type Curve } from './low-s.ts'

/** The curve and the compressed point (33 bytes) that a did:key names. */
export type CurvePoint = { curve: Curve; point: Uint8Array }

const PREFIX = 'did:key:z'
/** Decoding base58 takes quadratic time; the two keys of atproto are 57 characters long. */
const MAX_LENGTH = 80
const COMPRESSED = 33

/**
 * Reads a did:key of one of atproto's two curves (https://atproto.com/specs/cryptography);
 * undefined for anything else. Whether the point lies on the curve is not checked here.
 */
export function parseDidKey(didKey: string): CurvePoint | undefined {
  if (!didKey.startsWith(PREFIX) || didKey.length > MAX_LENGTH) return undefined
  const bytes = decodeMultibase(didKey.slice('did:key:'.length))
  if (bytes === undefined || bytes.length !== COMPRESSED + 2) return undefined
  const point = bytes.subarray(2)
  if (startsWith(bytes, SECP256K1_DID_PREFIX)) return { curve: 'k256', point }
  if (startsWith(bytes, P256_DID_PREFIX)) return { curve: 'p256', point }
  return undefined
}

/** The did:key of a point, compressed or not. */
export function didKeyOf(key: CurvePoint): string {
  return formatDidKey(key.curve === 'k256' ? SECP256K1_JWT_ALG : P256_JWT_ALG, key.point)
}

function decodeMultibase(text: string): Uint8Array | undefined {
  try {
    return multibaseToBytes(text)
  } catch {
    return undefined
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[index] === byte)
}
