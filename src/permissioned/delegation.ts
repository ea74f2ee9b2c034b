import { randomUUID } from 'node:crypto'
import { isValidDid } from '@atproto/syntax'
import type { SignBytes } from './commit.ts'
import {
  type JwtAlgorithm,
  type JwtFault,
  checkSignature,
  checkTimes,
  jtiOf,
  readJwt,
  signJwt,
} from './jwt.ts'
import { parseSpace } from './space-ref.ts'

/** A person's word that whoever holds it may ask for a credential of a space. Good for one use. */
export type Delegation = { did: string; space: string; jti: string; expiresAt: Date }

/** The type in the header of a delegation token. */
export const DELEGATION_TYPE = 'atproto-space-delegation+jwt'

/** How long a delegation token holds, in seconds. */
export const DELEGATION_LIFETIME_S = 60

const KEY = '#atproto'

/** Whom a delegation token for a space is for: its authority's host. Throws `TypeError` for a text
 *  that is not the URI of a space. */
export function delegationAudience(space: string): string {
  const authority = parseSpace(space)?.authority
  if (authority === undefined) throw new TypeError(`${space} is not the URI of a space`)
  return `${authority}#atproto_space_host`
}

/** Makes a delegation token (proposal 0016, "Delegation token") in the name of a hosted account. */
export function makeDelegation(to: {
  did: string
  space: string
  now: Date
  sign: SignBytes
  alg?: JwtAlgorithm
  jti?: string
}): Promise<string> {
  const { did: iss, space: sub, sign, alg = 'ES256K', jti = randomUUID() } = to
  const iat = Math.floor(to.now.getTime() / 1000)
  const times = { iat, exp: iat + DELEGATION_LIFETIME_S }
  const claims = { iss, sub, aud: delegationAudience(sub), ...times, jti }
  return signJwt({ header: { typ: DELEGATION_TYPE, alg, kid: KEY }, claims, sign })
}

/**
 * Checks a delegation token for `space` against its issuer's key; `peekJwt` tells whose that has to
 * be. After `BadJwtSignature` refresh the identity once and try again. That the token is good for
 * one use, by issuer and `jti` until a skew after `expiresAt`, is for the caller to keep.
 */
export function checkDelegation(
  token: string,
  by: { space: string; now: Date; signingKey: string },
): ({ ok: true } & Delegation) | { ok: false; fault: JwtFault } {
  const jwt = readJwt(token)
  if (jwt === undefined) return { ok: false, fault: 'BadJwt' }
  const { iss, sub, aud, lxm, exp } = jwt.claims
  const jti = jtiOf(jwt)
  const refuse = (fault: JwtFault) => ({ ok: false, fault }) as const
  if (jwt.header['typ'] !== DELEGATION_TYPE) return refuse('BadJwtType')
  if (jwt.header['kid'] !== KEY) return refuse('BadJwtKey')
  if (typeof iss !== 'string' || !isValidDid(iss)) return refuse('BadJwtIssuer')
  if (sub !== by.space) return refuse('BadJwtSubject')
  if (aud !== delegationAudience(by.space)) return refuse('BadJwtAudience')
  // What is for one method is a service token, whatever type it says it is.
  if (lxm !== undefined) return refuse('BadJwtLexiconMethod')
  if (jti === undefined) return refuse('BadJwtId')
  const fault = checkTimes(jwt, by.now, DELEGATION_LIFETIME_S) ?? checkSignature(jwt, by.signingKey)
  if (fault !== undefined) return refuse(fault)
  return { ok: true, did: iss, space: by.space, jti, expiresAt: new Date(Number(exp) * 1000) }
}
