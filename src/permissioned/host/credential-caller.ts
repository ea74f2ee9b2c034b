import { UpstreamFailureError } from '@atproto/xrpc-server'
import type { Sql } from '../../database/sql.ts'
import { IdentityUnavailable } from '../../identity/fetch-document.ts'
import { spaceAuthorityOf } from '../../identity/space-authority.ts'
import { unauthorized } from './answers.ts'
import { checkCredential } from '../tokens/credential.ts'
import { isRevoked } from '../store/credentials.ts'
import { checkUse, credentialOf } from '../tokens/http-signature.ts'
import { readJwt } from '../tokens/jwt.ts'
import type { Exchange } from './mount.ts'
import type { HostPorts } from '../ports.ts'
import { parseSpace } from '../space-ref.ts'

/** Whoever holds a credential of a space and the key it is bound to, for one audience. */
export type CredentialCaller = {
  readonly kind: 'credential'
  readonly space: string
  /** whom the request is addressed to, still to be compared with what is asked for */
  readonly audience: string
}

type Ports = Pick<HostPorts, 'resolver' | 'timers'>

/** Whether a request comes with a space credential, good or not. */
export function hasCredential({ req }: Exchange): boolean {
  return /^atproto-space /i.test(req.headers.authorization ?? '')
}

/** Checks the credential of a request: that the authority of its space has issued it, that it has
 *  neither expired nor been revoked, and that its key has signed this request. Throws 401 by the
 *  fault's name; `IdentityUnavailable` (502) while the authority's document cannot be read. */
export function credentialCaller(
  sql: Sql,
  ports: Ports,
): (exchange: Exchange) => Promise<CredentialCaller> {
  return async ({ req }) => {
    const headers = req.headersDistinct
    const token = credentialOf(headers)
    if (token === undefined) throw unauthorized('BadSpaceSignature')
    // Which space it is for is compared with the one asked for once that is read.
    const space = String(readJwt(token)?.claims['sub'])
    if (!parseSpace(space)) throw unauthorized('BadSpaceCredential', 'BadJwtSubject')
    const credential = await verified(ports, token, space)
    const [audience = ''] = headers['atproto-space-audience'] ?? []
    const fault = checkUse(headers, { audience: audience.trim(), key: credential.key })
    if (fault !== undefined) throw unauthorized(fault)
    if (await isRevoked(sql, space, credential.jti)) throw unauthorized('CredentialRevoked')
    return { kind: 'credential', space, audience: audience.trim() }
  }
}

async function verified({ resolver, timers }: Ports, token: string, space: string) {
  const authority = parseSpace(space)?.authority ?? ''
  const check = async (refresh: boolean) => {
    const document = await resolver.document(authority, { refresh })
    const keys = (document && spaceAuthorityOf(document)?.keys) ?? {}
    return checkCredential(token, { space, now: timers.now(), keys })
  }
  try {
    const first = await check(false)
    // The key may be a new one since the document was read.
    const stale = !first.ok && ['BadJwtKey', 'BadJwtSignature'].includes(first.fault)
    const checked = stale ? await check(true) : first
    if (checked.ok) return checked
    const { fault } = checked
    throw fault === 'BadJwtCnf'
      ? unauthorized('BadJwtCnf')
      : unauthorized('BadSpaceCredential', fault)
  } catch (cause) {
    throw asUpstream(cause, authority)
  }
}

/** What is answered when a DID document that a request depends on cannot be read now. */
export function asUpstream(error: unknown, did: string): unknown {
  if (!(error instanceof IdentityUnavailable)) return error
  const message = `The DID document of ${did} cannot be read now. Try again later.`
  return new UpstreamFailureError(message, 'IdentityUnavailable', { cause: error })
}
