import type { IncomingMessage, ServerResponse } from 'node:http'
import { AuthRequiredError } from '@atproto/xrpc-server'

/** Who is asking: an account hosted here, or one of any other PDS. */
export type Viewer = {
  readonly did: string
  readonly kind: 'local' | 'remote'
  /** Whether the viewer came with the account's own password, with which it may do all it can. */
  readonly full?: boolean
  /** Throws `InsufficientScope` unless the viewer's OAuth grant covers this write to their repo. */
  readonly assertMayWrite?: (action: 'create' | 'update' | 'delete', collection: string) => void
  /** The service token of one hosted elsewhere, as evidence of what they have asked for. */
  readonly evidence?: Evidence
}

/** What tells a service token from every other. */
export type Evidence = { readonly iss: string; readonly lxm: string; readonly jti: string }

/** A request with the response that goes with it, for headers credentials call for. */
export type Exchange = { readonly req: IncomingMessage; readonly res: ServerResponse }

/** Finds out who sends a request to a method; undefined for one without credentials. Throws
 *  `AuthRequiredError` for credentials that do not hold. */
export type Authenticate = (exchange: Exchange, nsid: string) => Promise<Viewer | undefined>

/** Accounts hosted here come with their PDS session or an OAuth token, all others with a service
 *  token of their own PDS. */
export function createAuthenticate(options: {
  session: (exchange: Exchange, nsid: string) => Promise<Viewer>
  /** Whether an Authorization header is known to be for `session`, without looking into it. */
  isSession: (authorization: string) => boolean
  service: (token: string, nsid: string) => Promise<{ did: string; jti: string }>
  isLocal: (did: string) => Promise<boolean>
}): Authenticate {
  const { session, isSession, service, isLocal } = options
  return async (exchange, nsid) => {
    const header = exchange.req.headers.authorization
    if (header === undefined) return undefined
    if (isSession(header)) return session(exchange, nsid)
    const token = /^Bearer (\S+)$/i.exec(header)?.[1]
    if (token === undefined || !isServiceToken(token)) {
      return session(exchange, nsid)
    }
    const { did, jti } = await service(token, nsid)
    if (await isLocal(did)) return { did, kind: 'local' }
    return { did, kind: 'remote', evidence: { iss: did, lxm: nsid, jti } }
  }
}

/** Service tokens name the method they are for; a session's tokens never do. */
function isServiceToken(token: string): boolean {
  const body = token.split('.', 3)[1] ?? ''
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString())
    return claims !== null && typeof claims === 'object' && 'lxm' in claims
  } catch {
    return false
  }
}

/** The viewer, where a method is for somebody only. */
export function required(viewer: Viewer | undefined): Viewer {
  if (viewer) return viewer
  throw new AuthRequiredError('This method needs an account. Send a session or a service token.')
}
