/** The two elliptic curves of atproto: secp256k1 and NIST P-256. */
export type Curve = 'k256' | 'p256'

const ORDER: Record<Curve, bigint> = {
  k256: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  p256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

const HALF_ORDER: Record<Curve, Uint8Array> = {
  k256: toBytes(ORDER.k256 / 2n),
  p256: toBytes(ORDER.p256 / 2n),
}

/** Whether the s of a 64-byte compact signature is at most half of the curve's order. */
export function isLowS(curve: Curve, signature: Uint8Array): boolean {
  return Buffer.compare(signature.subarray(32), HALF_ORDER[curve]) <= 0
}

/** The same signature with the other s (n - s): high becomes low and low becomes high. */
export function flipS(curve: Curve, signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const flipped = Uint8Array.from(signature)
  flipped.set(toBytes(ORDER[curve] - s), 32)
  return flipped
}

function toBytes(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
}
