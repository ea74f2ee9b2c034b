import { createECDH } from 'node:crypto'
import { didKeyOf, parseDidKey } from './did-key.ts'
import type { Signer } from './ecdsa.ts'
import { createLru } from './lru.ts'
import { type Verify, opensslEitherS, opensslSigner } from './openssl.ts'

const COMPACT = 64
const MAX_CACHED_KEYS = 1_000
// A memo of a pure function: what it holds changes how long a check takes, never its result.
const verifiers = createLru<string, Verify>(MAX_CACHED_KEYS)

/** A P-256 signer for a 32-byte private key, a fresh one unless it is given; throws for bytes that
 *  are not a private key. */
export function p256Signer(privateKey?: Uint8Array): Signer {
  const { point, sign } = opensslSigner('p256', privateKey ?? freshKey())
  return { didKey: didKeyOf({ curve: 'p256', point }), sign }
}

/**
 * Whether `signature` is that of a P-256 `didKey` over the SHA-256 of `bytes`, with a low s or a
 * high one: what RFC 9421 §3.3.4 (ecdsa-p256-sha256) allows. Only for signatures of HTTP messages;
 * in atproto a high s is false. Never throws.
 */
export function verifyEitherS(check: {
  didKey: string
  bytes: Uint8Array
  signature: Uint8Array
}): boolean {
  if (check.signature.length !== COMPACT) return false
  const verify = verifiers.get(check.didKey) ?? remember(check.didKey)
  return verify !== undefined && verify(check.bytes, check.signature)
}

function freshKey(): Uint8Array {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const key = ecdh.getPrivateKey()
  return Buffer.concat([Buffer.alloc(32 - key.length), key])
}

function remember(didKey: string): Verify | undefined {
  const key = parseDidKey(didKey)
  const verify = key?.curve === 'p256' ? opensslEitherS('p256', key.point) : undefined
  if (verify !== undefined) verifiers.set(didKey, verify)
  return verify
}
