import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'

export type DpopProof = {
  readonly method: string
  readonly url: string
  readonly nonce?: string
  /** The access token the proof goes with. */
  readonly token?: string
}

/** A client's key, and the proofs that it holds it (RFC 9449), each good for one request. */
export type DpopKey = { prove(proof: DpopProof): string }

/** Makes a P-256 key that signs with ES256. */
export function createDpopKey(): DpopKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  return {
    prove: ({ method, url, nonce, token }) => {
      const ath = token && createHash('sha256').update(token).digest('base64url')
      const iat = Math.floor(Date.now() / 1000)
      const { origin, pathname } = new URL(url)
      const htu = `${origin}${pathname}`
      const claims = { jti: randomUUID(), htm: method, htu, iat, nonce, ath }
      const signed = [header, claims].map(encodeJson).join('.')
      const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
      return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
    },
  }
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
