import { type CurvePoint, didKeyOf, parseDidKey } from './did-key.ts'
import { loadK256Backend } from './k256.ts'
import { createLru } from './lru.ts'
import { type Verify, opensslVerifier } from './openssl.ts'

/** Signs as one did:key: 64 bytes r || s with a low s over the SHA-256 of the bytes. */
export type Signer = { didKey: string; sign(bytes: Uint8Array): Uint8Array }

const COMPACT = 64
const MAX_CACHED_KEYS = 10_000
const k256 = loadK256Backend()
// A memo of a pure function: what it holds changes how long a check takes, never its result.
const verifiers = createLru<string, Verify>(MAX_CACHED_KEYS)

/** Which implementation checks and makes secp256k1 signatures in this process. */
export const k256BackendName: 'libsecp256k1' | 'openssl' = k256.name

/**
 * Whether `signature` is `didKey`'s over the SHA-256 of `bytes`. Only 64-byte compact signatures
 * with a low s are true (https://atproto.com/specs/cryptography); a DER or high-s signature, an
 * unknown curve or a key that is no point is false. Never throws.
 */
export function verifySignature(check: {
  didKey: string
  bytes: Uint8Array
  signature: Uint8Array
}): boolean {
  if (check.signature.length !== COMPACT) return false
  const verify = verifiers.get(check.didKey) ?? remember(check.didKey)
  return verify !== undefined && verify(check.bytes, check.signature)
}

/** A k256 signer for a 32-byte private key; throws for bytes that are not a private key. */
export function signerFromPrivateKey(privateKey: Uint8Array): Signer {
  const signer = k256.signer(Uint8Array.from(privateKey))
  return { didKey: didKeyOf({ curve: 'k256', point: signer.point }), sign: signer.sign }
}

function remember(didKey: string): Verify | undefined {
  const parsed = parseDidKey(didKey)
  if (parsed === undefined) return undefined
  const verify = verifierOf(parsed)
  // Keys that are none are not kept: their number is without limit and they cost little.
  if (verify !== undefined) verifiers.set(didKey, verify)
  return verify
}

function verifierOf(key: CurvePoint): Verify | undefined {
  return key.curve === 'k256' ? k256.verifier(key.point) : opensslVerifier('p256', key.point)
}
