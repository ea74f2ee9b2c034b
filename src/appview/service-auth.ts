import { AuthRequiredError, UpstreamFailureError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import { parseDidKey } from '../crypto/did-key.ts'
import { verifySignature } from '../crypto/ecdsa.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Sql } from './sql.ts'

const LIFETIME_MAX_S = 300
const SKEW_S = 30
const TOKEN_MAX = 4_096
const CURVES: ReadonlyMap<unknown, string> = new Map([
  ['ES256K', 'k256'],
  ['ES256', 'p256'],
])

/** Finds out who sent a token for a method, and to which of the audiences it is addressed. */
export type ServiceAuth = (
  token: string,
  nsid: string,
  audience?: (aud: string) => boolean,
) => Promise<{ did: string; aud: string; jti: string }>

type Claims = { iss: string; aud: string; exp: number; lxm: string; jti: string }

/** Checks service tokens of accounts on any PDS (atproto.com/specs/xrpc, inter-service auth):
 *  audience this node unless `audience` says otherwise, method exact, at most five minutes long,
 *  each token good for one request.
 *  Throws `AuthRequiredError` by the names below, `IdentityUnavailable` (502) for an issuer whose
 *  document cannot be fetched now. */
export function serviceAuth(options: {
  sql: Sql
  resolver: IdentityResolver
  serviceDid: string
  clock: Clock
}): ServiceAuth {
  const { sql, resolver, serviceDid, clock } = options
  const forThisNode = (aud: string) => aud === serviceDid || aud === `${serviceDid}#angelos_appview`
  return async (token, nsid, audience = forThisNode) => {
    const { header, claims, signed, signature } = readToken(token)
    checkClaims(claims, { nsid, audience, now: clock.now().getTime() / 1000 })
    const curve = CURVES.get(header.alg)
    if (curve === undefined) throw refused('BadJwtAlgorithm')
    const holds = async (refresh: boolean) => {
      const didKey = (await issuerOf(resolver, claims.iss, refresh))?.signingKey
      if (didKey === undefined && refresh) throw refused('BadJwtIssuer')
      // The key decides what a signature is, the header may not say otherwise (RFC 8725 §3.1).
      if (didKey === undefined || parseDidKey(didKey)?.curve !== curve) return false
      return verifySignature({ didKey, bytes: signed, signature })
    }
    if (!(await holds(false)) && !(await holds(true))) throw refused('BadJwtSignature')
    await useOnce(sql, claims, clock.now())
    return { did: claims.iss, aud: claims.aud, jti: claims.jti }
  }
}

async function issuerOf(
  resolver: IdentityResolver,
  did: string,
  refresh: boolean,
): Promise<Identity | undefined> {
  try {
    return await resolver.resolve(did, { refresh })
  } catch (cause) {
    if (!(cause instanceof IdentityUnavailable)) throw cause
    const message = `The DID document of ${did} cannot be read now. Try again later.`
    throw new UpstreamFailureError(message, 'IdentityUnavailable', { cause })
  }
}

function checkClaims(
  claims: Claims,
  { nsid, audience, now }: { nsid: string; audience: (aud: string) => boolean; now: number },
): void {
  if (!audience(claims.aud)) throw refused('BadJwtAudience')
  if (claims.lxm !== nsid) throw refused('BadJwtLexiconMethod')
  if (claims.exp <= now - SKEW_S) throw refused('JwtExpired')
  if (claims.exp > now + LIFETIME_MAX_S + SKEW_S) throw refused('JwtTooLong')
  // An issuer with a fragment is a service speaking for itself, never a person.
  if (!/^did:[a-z]+:[A-Za-z0-9._:%-]+$/.test(claims.iss)) throw refused('BadJwtIssuer')
  // Postgres holds no U+0000, and what cannot be remembered cannot be used once.
  if (!/^[^\0]{1,256}$/u.test(claims.jti)) throw refused('BadJwtId')
}

function readToken(token: string) {
  const parts = token.length > TOKEN_MAX ? [] : token.split('.')
  const [head = '', body = '', sig = ''] = parts
  const header = part<{ alg?: unknown; typ?: unknown }>(head)
  const claims = part<Partial<Record<keyof Claims, unknown>>>(body)
  const strings = [claims?.iss, claims?.aud, claims?.lxm]
  if (parts.length !== 3 || !header || !claims || typeof claims.exp !== 'number')
    throw refused('BadJwt')
  if (strings.some((value) => typeof value !== 'string')) throw refused('BadJwt')
  return {
    header,
    claims: { ...claims, jti: typeof claims.jti === 'string' ? claims.jti : '' } as Claims,
    signed: Buffer.from(`${head}.${body}`),
    signature: Buffer.from(sig, 'base64url'),
  }
}

function part<T extends object>(encoded: string): T | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString())
    return value !== null && typeof value === 'object' ? (value as T) : undefined
  } catch {
    return undefined
  }
}

/** Remembers the token before anything is done for it, for all processes of the node. */
async function useOnce(sql: Sql, { iss, jti, exp }: Claims, now: Date): Promise<void> {
  const until = new Date((exp + SKEW_S) * 1000)
  const { rowCount } = await sql.query(
    `insert into node."seenToken" (iss, jti, "expiresAt") values ($1, $2, $3)
     on conflict do nothing`,
    [iss, jti, until],
  )
  if (rowCount !== 1) throw refused('JwtReplayed')
  if (Math.random() < SWEEP_SHARE)
    await sql.query('delete from node."seenToken" where "expiresAt" < $1', [now])
}

/** One request in so many clears away what has expired, so that the table stays small. */
const SWEEP_SHARE = 0.01

const SAYS: Readonly<Record<string, string>> = {
  BadJwt: 'The token is not a service token. Get one from your PDS (getServiceAuth).',
  BadJwtAlgorithm: 'The token is signed with an algorithm that is not ES256K or ES256.',
  BadJwtAudience: 'The token is for another service. Ask for one with this node as audience.',
  BadJwtLexiconMethod: 'The token is for another method. Ask for one with this lxm.',
  BadJwtIssuer: 'The issuer of the token is not an account.',
  BadJwtId: 'The token has no usable jti.',
  BadJwtSignature: 'The signature is not by the key in the issuer’s DID document.',
  JwtExpired: 'The token has expired. Ask for a new one.',
  JwtTooLong: 'The token lives longer than five minutes. Ask for a shorter one.',
  JwtReplayed: 'The token has been used. Ask for a new one for every request.',
}

function refused(name: string): AuthRequiredError {
  return new AuthRequiredError(SAYS[name], name)
}
