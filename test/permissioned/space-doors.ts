import type { Clock } from '../../src/clock.ts'
import type { Signer } from '../../src/crypto/ecdsa.ts'
import { checkCredential } from '../../src/permissioned/tokens/credential.ts'
import { checkDelegation } from '../../src/permissioned/tokens/delegation.ts'
import {
  checkExchange,
  checkUse,
  credentialOf,
} from '../../src/permissioned/tokens/http-signature.ts'
import { peekJwt } from '../../src/permissioned/tokens/jwt.ts'
import type { Asked, Refused } from '../../src/permissioned/sync/space-api.ts'
import { parseSpace } from '../../src/permissioned/space-ref.ts'

/** How a host is asked. */
export type Door = Asked

/** Who has which key, and which credentials are revoked. */
export type Keys = {
  readonly timers: Clock
  readonly signers: ReadonlyMap<string, Signer>
  readonly revoked: ReadonlySet<string>
}

/** A refusal by name. */
export function refuse(name: string): Refused {
  return { ok: false, name }
}

/** What an authority's host checks before it gives a credential. */
export function checkedExchange(
  { signers, timers }: Keys,
  { space, headers }: Door,
  used: Set<string>,
): { ok: true; did: string; key: string } | Refused {
  const exchange = checkExchange(linesOf(headers))
  if (!exchange.ok) return refuse(exchange.fault)
  const { token, key } = exchange
  const signingKey = signers.get(peekJwt(token)?.iss ?? '')?.didKey ?? ''
  const delegation = checkDelegation(token, { space, now: timers.now(), signingKey })
  if (!delegation.ok) return refuse('InvalidDelegationToken')
  if (used.has(delegation.jti)) return refuse('JwtReplayed')
  used.add(delegation.jti)
  return { ok: true, did: delegation.did, key }
}

/** What every host checks of a request under a credential; undefined when all is well. */
export function checkedUse(
  { signers, timers, revoked }: Keys,
  { space, headers }: Door,
  audience: string,
): Refused | undefined {
  const lines = linesOf(headers)
  const token = credentialOf(lines) ?? ''
  const key = signers.get(parseSpace(space)!.authority)!.didKey
  const credential = checkCredential(token, { space, now: timers.now(), keys: { '#atproto': key } })
  if (!credential.ok) return refuse(credential.fault)
  const fault = checkUse(lines, { audience, key: credential.key })
  if (fault !== undefined) return refuse(fault)
  return revoked.has(token) ? refuse('CredentialRevoked') : undefined
}

function linesOf(headers: Asked['headers']): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
}
