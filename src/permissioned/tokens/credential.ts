import { randomUUID } from 'node:crypto'
import { parseDidKey } from '../../crypto/did-key.ts'
import type { SignBytes } from '../format/commit.ts'
import {
  type JwtAlgorithm,
  type JwtFault,
  checkSignature,
  checkTimes,
  jtiOf,
  readJwt,
  signJwt,
} from './jwt.ts'
import { parseSpace } from '../space-ref.ts'

/** An authority's word that whoever holds `key` may read the repos of a space until it expires. */
export type Credential = {
  space: string
  /** P-256 did:key that has to sign each use */
  key: string
  jti: string
  expiresAt: Date
}

/** The key of an authority that signs credentials, by its name in the DID document. */
export type CredentialKey = '#atproto_space' | '#atproto'

/** The type in the header of a space credential. */
export const CREDENTIAL_TYPE = 'atproto-space-credential+jwt'

/** How long a credential holds unless it is said otherwise, and at most, in seconds. */
export const CREDENTIAL_LIFETIME_S = 600
/** The longest life of a credential that is made or taken, in seconds. */
export const CREDENTIAL_LIFETIME_MAX_S = 3_600

const NAMES: readonly unknown[] = ['#atproto_space', '#atproto'] satisfies CredentialKey[]

/**
 * Makes a credential (proposal 0016, "Space credential") in the name of the space's authority.
 * Throws `TypeError` for a text that is not the URI of a space or a key that is not P-256, and
 * `RangeError` for a life that others would refuse.
 */
export async function makeCredential(to: {
  space: string
  key: string
  now: Date
  sign: SignBytes
  kid?: CredentialKey
  alg?: JwtAlgorithm
  lifetime?: number
  jti?: string
}): Promise<{ token: string } & Credential> {
  const { space, key, lifetime = CREDENTIAL_LIFETIME_S, jti = randomUUID() } = to
  const iss = parseSpace(space)?.authority
  if (iss === undefined) throw new TypeError(`${space} is not the URI of a space`)
  if (!isP256(key)) throw new TypeError(`${key} is not a did:key of P-256`)
  if (!(lifetime > 0 && lifetime <= CREDENTIAL_LIFETIME_MAX_S)) throw new RangeError('lifetime')
  const iat = Math.floor(to.now.getTime() / 1000)
  const exp = iat + lifetime
  const header = { typ: CREDENTIAL_TYPE, alg: to.alg ?? 'ES256K', kid: to.kid ?? '#atproto' }
  const claims = { iss, sub: space, iat, exp, jti, cnf: { kid: key } }
  const token = await signJwt({ header, claims, sign: to.sign })
  return { token, space, key, jti, expiresAt: new Date(exp * 1000) }
}

/**
 * Checks a credential for `space` with the keys of its authority's DID document. After `BadJwtKey`
 * or `BadJwtSignature` refresh the identity once and try again. Whether it is revoked, and whether
 * the request is signed with `key` (`checkUse`), is to be checked beside this.
 */
export function checkCredential(
  token: string,
  by: { space: string; now: Date; keys: Readonly<Partial<Record<CredentialKey, string>>> },
): ({ ok: true } & Credential) | { ok: false; fault: JwtFault } {
  const jwt = readJwt(token)
  if (jwt === undefined) return { ok: false, fault: 'BadJwt' }
  const { iss, sub, aud, exp, cnf } = jwt.claims
  const { typ, kid } = jwt.header
  const jti = jtiOf(jwt)
  const key = (cnf as { kid?: unknown } | null | undefined)?.kid
  const refuse = (fault: JwtFault) => ({ ok: false, fault }) as const
  if (typ !== CREDENTIAL_TYPE) return refuse('BadJwtType')
  if (iss === undefined || iss !== parseSpace(by.space)?.authority) return refuse('BadJwtIssuer')
  if (sub !== by.space) return refuse('BadJwtSubject')
  // It is shown to every host of the space; one that names an audience is something else.
  if (aud !== undefined) return refuse('BadJwtAudience')
  if (jti === undefined) return refuse('BadJwtId')
  if (typeof key !== 'string' || !isP256(key)) return refuse('BadJwtCnf')
  const signingKey = isName(kid) ? by.keys[kid] : undefined
  if (signingKey === undefined) return refuse('BadJwtKey')
  const fault =
    checkTimes(jwt, by.now, CREDENTIAL_LIFETIME_MAX_S) ?? checkSignature(jwt, signingKey)
  if (fault !== undefined) return refuse(fault)
  return { ok: true, space: by.space, key, jti, expiresAt: new Date(Number(exp) * 1000) }
}

function isP256(key: string): boolean {
  return parseDidKey(key)?.curve === 'p256'
}

function isName(kid: unknown): kid is CredentialKey {
  return NAMES.includes(kid)
}
