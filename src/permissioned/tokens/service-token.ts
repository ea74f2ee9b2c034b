import { randomUUID } from 'node:crypto'
import type { SignBytes } from '../format/commit.ts'

const LIFETIME_S = 60

/** A service token of an account of this node (atproto.com/specs/xrpc, inter-service auth), good
 *  for one request within a minute. */
export async function makeServiceToken(token: {
  iss: string
  aud: string
  lxm: string
  now: Date
  sign: SignBytes
}): Promise<string> {
  const { iss, aud, lxm, now, sign } = token
  const iat = Math.floor(now.getTime() / 1000)
  const claims = { iat, iss, aud, exp: iat + LIFETIME_S, lxm, jti: randomUUID() }
  const signed = `${encoded({ typ: 'JWT', alg: 'ES256K' })}.${encoded(claims)}`
  return `${signed}.${Buffer.from(await sign(Buffer.from(signed))).toString('base64url')}`
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
