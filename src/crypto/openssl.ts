import { createECDH, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { compactOf, derOf } from './der.ts'
import { type Curve, flipS, isLowS } from './low-s.ts'

/** Checks one compact signature over the SHA-256 of `bytes` with one key. */
export type Verify = (bytes: Uint8Array, signature: Uint8Array) => boolean

/** SubjectPublicKeyInfo (RFC 5480) up to the compressed point. */
const SPKI: Record<Curve, Buffer> = {
  k256: Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'),
  p256: Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
}

/** What each curve is called in a JSON Web Key and by OpenSSL. */
const NAMES: Record<Curve, { crv: string; ecdh: string }> = {
  k256: { crv: 'secp256k1', ecdh: 'secp256k1' },
  p256: { crv: 'P-256', ecdh: 'prime256v1' },
}

/** A verifier for one compressed point; undefined when the point is not on the curve. */
export function opensslVerifier(curve: Curve, point: Uint8Array): Verify | undefined {
  const either = opensslEitherS(curve, point)
  // OpenSSL takes either s; atproto takes only the low one, so that nobody can make a second one.
  return either && ((bytes, signature) => isLowS(curve, signature) && either(bytes, signature))
}

/** The same for signatures whose s may be high, as those of other standards may. */
export function opensslEitherS(curve: Curve, point: Uint8Array): Verify | undefined {
  const key = publicKey(curve, point)
  if (key === undefined) return undefined
  return (bytes, signature) => verify('sha256', bytes, key, derOf(signature))
}

/** A signer on OpenSSL: low s, but a random nonce, so two signatures of one text differ. */
export function opensslSigner(
  curve: Curve,
  privateKey: Uint8Array,
): { point: Uint8Array; sign: (bytes: Uint8Array) => Uint8Array } {
  const { crv, ecdh: name } = NAMES[curve]
  const ecdh = createECDH(name)
  ecdh.setPrivateKey(privateKey)
  const point = ecdh.getPublicKey()
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv,
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
      d: Buffer.from(privateKey).toString('base64url'),
    },
  })
  return {
    point,
    sign: (bytes) => {
      const signature = compactOf(sign('sha256', bytes, key))
      return isLowS(curve, signature) ? signature : flipS(curve, signature)
    },
  }
}

function publicKey(curve: Curve, point: Uint8Array) {
  try {
    const key = Buffer.concat([SPKI[curve], point])
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
