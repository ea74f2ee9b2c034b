import { hash } from 'node:crypto'
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
export type VerifySession = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  nsid: string,
) => Promise<LocalCaller>

/** A session token found valid, by the hash of the token. */
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
  const sessions = new Map<string, Session>()
  const aud = `${cfg.service.did}#angelos_appview`
  const status = { checkTakedown: true, checkDeactivated: true }

  const verify = authVerifier.authorization({
    ...status,
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

  const remembered = async (key: string): Promise<string | undefined> => {
    const session = sessions.get(key)
    if (!session) return undefined
    const nowMs = clock.now().getTime()
    sessions.delete(key)
    if (nowMs >= session.expiresMs) return undefined
    if (nowMs - session.accountCheckedMs >= ACCOUNT_TRUST_MS) {
      await authVerifier.findAccount(session.did, status)
      session.accountCheckedMs = nowMs
    }
    // Put back last: the first of the map is then the one unused for longest.
    sessions.set(key, session)
    return session.did
  }

  return async (request, response, nsid) => {
    const token = sessionToken(request)
    const key = token === undefined ? undefined : hash('sha256', token, 'base64')
    const did = key === undefined ? undefined : await remembered(key)
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
    if (key !== undefined && token !== undefined) {
      if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value!)
      const expiresMs = expiryMs(token)
      sessions.set(key, {
        did: credentials.did,
        expiresMs,
        accountCheckedMs: clock.now().getTime(),
      })
    }
    return { did: credentials.did, kind: 'session' }
  }
}

function sessionToken(request: http.IncomingMessage): string | undefined {
  return /^bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '')?.[1]
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
