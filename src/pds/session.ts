import type http from 'node:http'
import { type PDS } from '@atproto/pds'
import { type DidString, type NsidString } from '@atproto/syntax'
import { AuthRequiredError, XRPCError } from '@atproto/xrpc-server'
import { type Clock } from '../clock.ts'

/** A local account that proved itself: by a session begun with its own password or with an app
 *  password, which is good for less, or through an OAuth client. */
export type LocalCaller =
  | { did: string; kind: 'session' | 'appPassword' }
  | { did: string; kind: 'oauth'; permissions: Permissions }

type Authorization = PDS['ctx']['authVerifier']['authorization']
type Verifier = ReturnType<Authorization>
type VerifierContext = Parameters<Verifier>[0]
type Permissions = Parameters<Parameters<Authorization>[0]['authorize']>[0]

/**
 * Checks the credentials of an account of this node for a call of `nsid`, or without one whatever
 * an OAuth client may call. Throws XRPC errors as the PDS does: 401 `AuthMissing`,
 * `AccountTakedown`, `AccountDeactivated`; 400 `ExpiredToken` and `InvalidToken`, which clients
 * know as the sign to refresh; 403 for a missing OAuth scope. Sets the caching and DPoP headers of the
 * answer.
 */
export type VerifySession = {
  (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    nsid?: string,
  ): Promise<LocalCaller>
  /** Whether this Authorization header was found to hold a session, which may be over since. */
  readonly remembers: (authorization: string) => boolean
}

/** A session token found valid, by the Authorization header that holds it. */
type Session = Known & { expiresMs: number; accountCheckedMs: number }
type Known = { did: DidString; kind: 'session' | 'appPassword' }

/** What the PDS writes into the token of a session begun with the account's own password. */
const FULL = 'com.atproto.access'

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
    authorize: (permissions, { params }) => {
      const { lxm } = params as { lxm?: NsidString }
      if (lxm !== undefined) permissions.assertRpc({ aud, lxm })
    },
  })
  // The PDS was written for express; of its request and response it uses what node's have too.
  const authorize = async (req: unknown, res: unknown, lxm?: string) => {
    try {
      return await verify({ req, res, params: { lxm } } as VerifierContext)
    } catch (error) {
      throw XRPCError.fromError(error)
    }
  }

  const verifySession = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    nsid?: string,
  ): Promise<LocalCaller> => {
    const { authorization = '' } = request.headers
    const known = sessions.has(authorization) ? await sessions.knownBy(authorization) : undefined
    if (known !== undefined) {
      setPrivate(response)
      return known
    }
    const result = await authorize(request, response, nsid)
    if (!('credentials' in result)) throw new AuthRequiredError()
    const { credentials } = result
    if (credentials.type === 'oauth') {
      return { did: credentials.did, kind: 'oauth', permissions: credentials.permissions }
    }
    const kind = credentials.scope === FULL ? 'session' : 'appPassword'
    sessions.add(authorization, { did: credentials.did, kind })
    return { did: credentials.did, kind }
  }
  return Object.assign(verifySession, { remembers: sessions.has })
}

const STATUS = { checkTakedown: true, checkDeactivated: true }

/** Sessions found valid, the most recent ones. */
function createSessions(pds: PDS, clock: Clock) {
  const sessions = new Map<string, Session>()
  return {
    has: (header: string): boolean => sessions.has(header),
    add: (header: string, known: Known): void => {
      const token = /^bearer ([^ ]+)$/i.exec(header)?.[1]
      if (token === undefined) return
      if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value!)
      const accountCheckedMs = clock.now().getTime()
      sessions.set(header, { ...known, expiresMs: expiryMs(token), accountCheckedMs })
    },
    /** Whose session it is, if it still holds; throws what the PDS says of a closed account. */
    knownBy: async (header: string): Promise<Known | undefined> => {
      const session = sessions.get(header)
      if (!session) return undefined
      const { did, kind } = session
      const nowMs = clock.now().getTime()
      if (nowMs < session.expiresMs && nowMs - session.accountCheckedMs < ACCOUNT_TRUST_MS)
        return { did, kind }
      sessions.delete(header)
      if (nowMs >= session.expiresMs) return undefined
      await pds.ctx.authVerifier.findAccount(did, STATUS)
      session.accountCheckedMs = nowMs
      // Put back last: the first of the map is the one unused for longest, by the half minute.
      sessions.set(header, session)
      return { did, kind }
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
