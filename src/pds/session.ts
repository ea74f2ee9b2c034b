import type http from 'node:http'
import { type PDS } from '@atproto/pds'
import { type DidString, type NsidString } from '@atproto/syntax'
import { AuthRequiredError, XRPCError } from '@atproto/xrpc-server'
import { type Clock } from '../clock.ts'

/** A local account that proved itself: by a password session, or through an OAuth client. */
export type LocalCaller =
  | { did: string; kind: 'session' }
  | { did: string; kind: 'oauth'; permissions: Permissions }

type Authorization = PDS['ctx']['authVerifier']['authorization']
type Verifier = ReturnType<Authorization>
type VerifierContext = Parameters<Verifier>[0]
type Permissions = Parameters<Parameters<Authorization>[0]['authorize']>[0]

/**
 * Checks the credentials of an account of this node for a call of `nsid`. Throws XRPC errors as
 * the PDS does: 401 `AuthMissing`, `AccountTakedown`, `AccountDeactivated`; 400 `ExpiredToken` and
 * `InvalidToken`, which clients know as the sign to refresh; 403 for a missing OAuth scope. Sets
 * the caching and DPoP headers of the answer.
 */
export type VerifySession = {
  (request: http.IncomingMessage, response: http.ServerResponse, nsid: string): Promise<LocalCaller>
  /** Whether this Authorization header was found to hold a session, which may be over since. */
  readonly remembers: (authorization: string) => boolean
}

/** A session token found valid, by the Authorization header that holds it. */
type Session = { did: DidString; expiresMs: number; accountCheckedMs: number }

const SESSIONS_MAX = 10_000
/** Longest time that a takedown or deactivation goes unnoticed. */
const ACCOUNT_TRUST_MS = 30_000

/**
 * Makes the verifier from the PDS's own. An OAuth token must carry the scope for
 * `rpc:<nsid>?aud=<node's DID>#angelos_appview`. Session tokens once verified are remembered until
 * they expire, their account looked at again every 30 s; DPoP proofs are checked every time.
 */
export function sessionVerifier(pds: PDS, clock: Clock): VerifySession {
  const { authVerifier, cfg } = pds.ctx
  const sessions = createSessions(pds, clock)
  const aud = `${cfg.service.did}#angelos_appview`

  const verify = authVerifier.authorization({
    ...STATUS,
    authorize: (permissions, { params }) =>
      permissions.assertRpc({ aud, lxm: String(params.lxm) as NsidString }),
  })
  // The PDS was written for express; of its request and response it uses what node's have too.
  const authorize = async (req: unknown, res: unknown, lxm: string) => {
    try {
      return await verify({ req, res, params: { lxm } } as VerifierContext)
    } catch (error) {
      throw XRPCError.fromError(error)
    }
  }

  const verifySession = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    nsid: string,
  ): Promise<LocalCaller> => {
    const { authorization = '' } = request.headers
    const did = sessions.has(authorization) ? await sessions.didOf(authorization) : undefined
    if (did !== undefined) {
      setPrivate(response)
      return { did, kind: 'session' }
    }
    const result = await authorize(request, response, nsid)
    if (!('credentials' in result)) throw new AuthRequiredError()
    const { credentials } = result
    if (credentials.type === 'oauth') {
      return { did: credentials.did, kind: 'oauth', permissions: credentials.permissions }
    }
    sessions.add(authorization, credentials.did)
    return { did: credentials.did, kind: 'session' }
  }
  return Object.assign(verifySession, { remembers: sessions.has })
}

const STATUS = { checkTakedown: true, checkDeactivated: true }

/** Sessions found valid, the most recent ones. */
function createSessions(pds: PDS, clock: Clock) {
  const sessions = new Map<string, Session>()
  return {
    has: (header: string): boolean => sessions.has(header),
    add: (header: string, did: DidString): void => {
      const token = /^bearer ([^ ]+)$/i.exec(header)?.[1]
      if (token === undefined) return
      if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value!)
      const accountCheckedMs = clock.now().getTime()
      sessions.set(header, { did, expiresMs: expiryMs(token), accountCheckedMs })
    },
    /** Whose session it is, if it still holds; throws what the PDS says of a closed account. */
    didOf: async (header: string): Promise<DidString | undefined> => {
      const session = sessions.get(header)
      if (!session) return undefined
      const nowMs = clock.now().getTime()
      if (nowMs < session.expiresMs && nowMs - session.accountCheckedMs < ACCOUNT_TRUST_MS)
        return session.did
      sessions.delete(header)
      if (nowMs >= session.expiresMs) return undefined
      await pds.ctx.authVerifier.findAccount(session.did, STATUS)
      session.accountCheckedMs = nowMs
      // Put back last: the first of the map is the one unused for longest, by the half minute.
      sessions.set(header, session)
      return session.did
    },
  }
}

/** The `exp` of a token whose signature has been checked; one without lives no longer than now. */
function expiryMs(token: string): number {
  const payload: unknown = JSON.parse(
    Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
  )
  const known = typeof payload === 'object' && payload !== null && 'exp' in payload
  return known && typeof payload.exp === 'number' ? payload.exp * 1_000 : 0
}

/** What the PDS sets beside every answer to a logged-in caller. */
function setPrivate(response: http.ServerResponse): void {
  response.setHeader('cache-control', 'private')
  response.appendHeader('vary', 'Authorization')
}
