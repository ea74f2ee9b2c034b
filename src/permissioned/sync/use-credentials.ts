import type { Signer } from '../../crypto/ecdsa.ts'
import { p256Signer } from '../../crypto/p256.ts'
import type { Log } from '../../log.ts'
import { signUse } from '../tokens/http-signature.ts'
import { type ObtainOptions, type Obtained, obtain } from './obtain-credential.ts'
import type { Answer, Asked } from './space-api.ts'

/** Lets requests be made with the credential of a space. */
export type Credentials = {
  /** Asks with headers for the host of `audience` (a DID); once more with a new credential when the
   *  host does not take the one at hand. Throws `AccessLost` when the authority gives none, and
   *  `CredentialUnavailable` when it does not answer. */
  use<T>(
    to: { space: string; audience: string },
    work: (headers: Asked['headers']) => Promise<Answer<T>>,
  ): Promise<Answer<T>>
  /** Forgets what was given for a space: the next request asks the authority again. */
  drop(space: string): void
}

/** A credential at hand, with the headers for those it was shown to. */
type Held = Obtained & { signer: Signer; since: number; headers: Map<string, Asked['headers']> }

export type CredentialOptions = ObtainOptions & {
  log: Log
  /** Makes the key a credential is bound to; a fresh P-256 key unless a test decides. */
  newKey?: () => Signer
}

/** A credential is replaced so long before it ends: requests take time, and clocks differ. */
const SPARE_MS = 60_000
/** A host that does not take what was given a moment ago will not take the next one either. */
const YOUNG_MS = 5_000
/** By these names a host says that the credential is at fault, not what was asked. */
const REPLACEABLE = new Set([
  'AuthenticationRequired',
  'BadJwt',
  'BadJwtCnf',
  'BadJwtKey',
  'BadJwtSignature',
  'BadSpaceSignature',
  'CredentialRevoked',
  'ExpiredToken',
  'InvalidToken',
  'JwtExpired',
])

/** Keeps the credentials of spaces in memory only: a start asks anew. */
export function createCredentials(options: CredentialOptions): Credentials {
  const { timers, log, newKey = () => p256Signer() } = options
  const held = new Map<string, Held>()
  const asking = new Map<string, Promise<Held>>()
  const now = () => timers.now().getTime()

  function ofSpace(space: string): Promise<Held> {
    const have = held.get(space)
    if (have !== undefined && have.until.getTime() - spare(have) > now())
      return Promise.resolve(have)
    const earlier = asking.get(space)
    if (earlier !== undefined) return earlier
    const request = askFor(space).finally(() => {
      if (asking.get(space) === request) asking.delete(space)
    })
    asking.set(space, request)
    return request
  }

  async function askFor(space: string): Promise<Held> {
    const signer = newKey()
    const since = now()
    const obtained = await obtain(space, signer, options)
    const fresh = { ...obtained, signer, since, headers: new Map<string, Asked['headers']>() }
    // After `drop` this answer may be older than what caused it.
    if (asking.has(space)) held.set(space, fresh)
    log.debug({ space, via: obtained.via, until: obtained.until }, 'a space gave a credential')
    return fresh
  }

  async function headersOf(space: string, audience: string) {
    const credential = await ofSpace(space)
    const ready = credential.headers.get(audience)
    if (ready !== undefined) return { credential, headers: ready }
    const headers = signUse({ credential: credential.token, audience, signer: credential.signer })
    credential.headers.set(audience, headers)
    return { credential, headers }
  }

  return {
    async use({ space, audience }, work) {
      const first = await headersOf(space, audience)
      const answer = await work(first.headers)
      const { credential } = first
      if (answer.ok || !REPLACEABLE.has(answer.name)) return answer
      if (now() - credential.since < YOUNG_MS) return answer
      if (held.get(space) === credential) held.delete(space)
      return work((await headersOf(space, audience)).headers)
    },
    drop(space) {
      held.delete(space)
      asking.delete(space)
    },
  }
}

/** Of a short life a quarter is spare. */
function spare({ since, until }: Held): number {
  return Math.min(SPARE_MS, (until.getTime() - since) / 4)
}
