import { CREDENTIAL_LIFETIME_MAX_S } from './credential.ts'
import { readJwt } from './jwt.ts'

/** When a credential ends that an authority has just given for a space and a key; undefined for a
 *  token that is none. Its signature is for those to check whom it is shown. */
export function credentialEnd(
  token: string,
  to: { space: string; keyId: string; now: Date },
): Date | undefined {
  const { sub, exp, cnf } = readJwt(token)?.claims ?? {}
  const key = (cnf as { kid?: unknown } | null | undefined)?.kid
  if (sub !== to.space || key !== to.keyId) return undefined
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return undefined
  const longest = to.now.getTime() + CREDENTIAL_LIFETIME_MAX_S * 1000
  return new Date(Math.min(exp * 1000, longest))
}
