import { isValidDid } from '@atproto/syntax'
import { parseDidKey } from '../../crypto/did-key.ts'
import { verifySignature } from '../../crypto/ecdsa.ts'
import type { SignBytes } from '../format/commit.ts'

/** A token taken apart; nothing in it is believed yet. */
export type Jwt = {
  header: Readonly<Record<string, unknown>>
  claims: Readonly<Record<string, unknown>>
  signed: Uint8Array
  signature: Uint8Array
}

/** What is wrong with a token. */
export type JwtFault =
  | 'BadJwt'
  | 'BadJwtAlgorithm'
  | 'BadJwtAudience'
  | 'BadJwtCnf'
  | 'BadJwtId'
  | 'BadJwtIssuer'
  | 'BadJwtKey'
  | 'BadJwtLexiconMethod'
  | 'BadJwtSignature'
  | 'BadJwtSubject'
  | 'BadJwtType'
  | 'JwtExpired'
  | 'JwtNotYetValid'
  | 'JwtTooLong'

/** The two algorithms of atproto (https://atproto.com/specs/cryptography). */
export type JwtAlgorithm = 'ES256K' | 'ES256'

/** How far clocks may differ, in seconds (proposal 0016, "Space credential"). */
export const SKEW_S = 5

const TOKEN_MAX = 4_096
const JTI_MAX = 256
const CURVES: ReadonlyMap<unknown, string> = new Map([
  ['ES256K', 'k256'],
  ['ES256', 'p256'],
])

/** Takes a token apart (RFC 7519, compact form); undefined for what is not one in its only form. */
export function readJwt(token: string): Jwt | undefined {
  if (token.length > TOKEN_MAX) return undefined
  const [head = '', body = '', sig = '', ...more] = token.split('.')
  const [header, claims, signature] = [fieldsOf(head), fieldsOf(body), bytesOf(sig)]
  if (!header || !claims || !signature || more.length > 0) return undefined
  // Extensions that must be understood (RFC 7515 §4.1.11): none is.
  if (Object.hasOwn(header, 'crit')) return undefined
  return { header, claims, signed: Buffer.from(`${head}.${body}`), signature }
}

/** What a token says it is and by whom, to look up the key for it; nothing of it is believed. */
export function peekJwt(token: string): { typ: string; kid: string; iss: string } | undefined {
  const jwt = readJwt(token)
  const [typ, kid, iss] = [jwt?.header['typ'], jwt?.header['kid'], jwt?.claims['iss']]
  if (typeof typ !== 'string' || typeof kid !== 'string') return undefined
  return typeof iss === 'string' && isValidDid(iss) ? { typ, kid, iss } : undefined
}

/** Makes a token of one of atproto's types. */
export async function signJwt(to: {
  header: { typ: string; alg: JwtAlgorithm; kid: string }
  claims: Readonly<Record<string, unknown>>
  sign: SignBytes
}): Promise<string> {
  const signed = [to.header, to.claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = await to.sign(Buffer.from(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

/** Whether the token is signed with this key: low s, and the algorithm that belongs to it. */
export function checkSignature(jwt: Jwt, signingKey: string): JwtFault | undefined {
  const curve = CURVES.get(jwt.header['alg'])
  if (curve === undefined) return 'BadJwtAlgorithm'
  // The key decides what a signature is, the header may not say otherwise (RFC 8725 §3.1).
  if (parseDidKey(signingKey)?.curve !== curve) return 'BadJwtSignature'
  const check = { didKey: signingKey, bytes: jwt.signed, signature: jwt.signature }
  return verifySignature(check) ? undefined : 'BadJwtSignature'
}

/** Whether the token holds at `now` and for no longer than so many seconds. */
export function checkTimes(jwt: Jwt, now: Date, lifetimeMax: number): JwtFault | undefined {
  const { iat, exp, nbf = iat } = jwt.claims
  if (!isTime(iat) || !isTime(exp) || !isTime(nbf) || exp <= iat) return 'BadJwt'
  const seconds = now.getTime() / 1000
  if (exp - iat > lifetimeMax) return 'JwtTooLong'
  if (exp <= seconds - SKEW_S) return 'JwtExpired'
  return Math.max(iat, nbf) > seconds + SKEW_S ? 'JwtNotYetValid' : undefined
}

/** The id of a token, which can be kept in Postgres; undefined for none and for a longer one. */
export function jtiOf(jwt: Jwt): string | undefined {
  const { jti } = jwt.claims
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > JTI_MAX) return undefined
  return jti.includes('\0') || !jti.isWellFormed() ? undefined : jti
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function fieldsOf(part: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = bytesOf(part)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isFields = value !== null && typeof value === 'object' && !Array.isArray(value)
    return isFields ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

/** Bytes in base64url without padding; undefined for a text that is not the only one for them. */
function bytesOf(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined
}
