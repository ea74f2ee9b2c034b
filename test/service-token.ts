import { randomUUID } from 'node:crypto'
import { type Keypair } from '@atproto/crypto'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Signs a service token with any claims at all, as a PDS that lies would. What is undefined is
 *  left out; the rest is what a right token has. */
export async function forgeToken(
  key: Keypair,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const body = { iat: now, exp: now + 60, jti: randomUUID(), ...claims }
  const signed = [{ typ: 'JWT', alg: 'ES256K', ...header }, body].map(encodeJson).join('.')
  const signature = await key.sign(Buffer.from(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

/** The same token with the other signature that the curve allows for it, which atproto forbids. */
export function withHighS(token: string): string {
  const [head, body, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const high = Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex')
  return [head, body, Buffer.concat([bytes.subarray(0, 32), high]).toString('base64url')].join('.')
}

/** The same token with one claim changed and the signature as it was. */
export function withClaim(token: string, claims: Record<string, unknown>): string {
  const [head, body = '', signature] = token.split('.')
  const before = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
  return [head, encodeJson({ ...before, ...claims }), signature].join('.')
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
