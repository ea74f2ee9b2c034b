import { createECDH, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { type Curve, flipS, isLowS } from './low-s.ts'

/** Checks one compact signature over the SHA-256 of `bytes` with one key. */
export type Verify = (bytes: Uint8Array, signature: Uint8Array) => boolean

/** SubjectPublicKeyInfo (RFC 5480) up to the compressed point. */
const SPKI: Record<Curve, Buffer> = {
  k256: Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'),
  p256: Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
}

/** A verifier for one compressed point; undefined when the point is not on the curve. */
export function opensslVerifier(curve: Curve, point: Uint8Array): Verify | undefined {
  const key = publicKey(curve, point)
  if (key === undefined) return undefined
  // OpenSSL takes either s; atproto takes only the low one, so that nobody can make a second one.
  return (bytes, signature) =>
    isLowS(curve, signature) &&
    verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** A k256 signer on OpenSSL: low s, but a random nonce, so two signatures of one text differ. */
export function opensslK256Signer(privateKey: Uint8Array): {
  point: Uint8Array
  sign: (bytes: Uint8Array) => Uint8Array
} {
  const ecdh = createECDH('secp256k1')
  ecdh.setPrivateKey(privateKey)
  const point = ecdh.getPublicKey()
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'secp256k1',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
      d: Buffer.from(privateKey).toString('base64url'),
    },
  })
  return {
    point,
    sign: (bytes) => {
      const signature = sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
      return isLowS('k256', signature) ? Uint8Array.from(signature) : flipS('k256', signature)
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
