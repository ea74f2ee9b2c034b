import type { Clock } from '../../clock.ts'
import type { Signer } from '../../crypto/ecdsa.ts'
import type { IdentityResolver } from '../../identity/resolver.ts'
import { spaceHostOf } from '../../identity/space-authority.ts'
import { IdentityUnavailable } from '../../identity/fetch-document.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { AccessLost } from './access-lost.ts'
import { CredentialUnavailable } from './credential-unavailable.ts'
import { credentialEnd } from '../tokens/credential-end.ts'
import type { FollowStore } from './follow-store.ts'
import { signExchange } from '../tokens/http-signature.ts'
import type { Answer, SpaceApi } from './space-api.ts'
import { parseSpace } from '../space-ref.ts'

/** What asking for credentials needs. */
export type ObtainOptions = {
  store: Pick<FollowStore, 'spaceOf'>
  api: Pick<SpaceApi, 'credential'>
  resolver: Pick<IdentityResolver, 'document'>
  timers: Clock
  signal: AbortSignal
  isHosted: (did: string) => boolean | Promise<boolean>
  /** A delegation token of a local account for a space, from the grant it has given this node;
   *  undefined when there is no grant any more, or no such account. */
  delegate: (space: string, did: string) => Promise<string | undefined>
  /** A credential of an authority hosted here, bound to a did:key. */
  issue: (space: string, keyId: string) => Promise<string>
}

/** A credential, through whom it came, and when it ends. */
export type Obtained = { token: string; until: Date; via: string }

/** Names that refuse one account: another may still have access. */
const OF_READER = new Set(['UserNotAuthorized', 'NotAuthorized'])
/** Names that refuse this node, whoever asks. */
const OF_NODE = new Set(['AppNotAuthorized', 'SpaceNotFound', 'SpaceDeleted'])

/**
 * Asks the authority of a space for a credential, through one reader after the other until one is
 * given. Throws `CredentialUnavailable` when nobody answers, and `AccessLost` only on the word of
 * the host that the authority's newest document names: that its address was taken over by another
 * must not cost the copy.
 */
export async function obtain(
  space: string,
  signer: Signer,
  options: ObtainOptions,
): Promise<Obtained> {
  try {
    return await obtainNow(space, signer, options)
  } catch (cause) {
    if (!(cause instanceof OutboundError || cause instanceof IdentityUnavailable)) throw cause
    throw new CredentialUnavailable(space, cause.message, { cause })
  }
}

async function obtainNow(space: string, signer: Signer, options: ObtainOptions): Promise<Obtained> {
  const authority = parseSpace(space)?.authority
  const row = authority === undefined ? undefined : await options.store.spaceOf(space)
  if (authority === undefined || row === undefined) throw new AccessLost(space, 'NotFollowed')
  const to = { space, signer, now: options.timers.now() }
  if (await options.isHosted(authority)) {
    const token = await options.issue(space, signer.didKey)
    return finish(token, authority, to)
  }
  let reason = 'NoReader'
  for (const reader of row.readers) {
    const answer = await throughReader({ space, authority, reader }, signer, options)
    if (answer === undefined) continue
    if (answer.ok) return finish(answer.credential, reader, to)
    if (OF_NODE.has(answer.name)) throw new AccessLost(space, answer.name)
    if (!OF_READER.has(answer.name)) throw new CredentialUnavailable(space, answer.name)
    reason = answer.name
  }
  throw new AccessLost(space, reason)
}

type Way = { space: string; authority: string; reader: string }
type Exchanged = Answer<{ credential: string }>

/** Undefined when the reader has not given this node the right to ask. */
async function throughReader(
  way: Way,
  signer: Signer,
  options: ObtainOptions,
): Promise<Exchanged | undefined> {
  const ask = async (service: string): Promise<Exchanged | undefined> => {
    const { space, reader } = way
    const delegation = await options.delegate(space, reader)
    if (delegation === undefined) return undefined
    const headers = signExchange({ token: delegation, signer })
    return options.api.credential({ service, space, headers, signal: options.signal })
  }
  const service = await hostOf(way.authority, options)
  const answer = await ask(service)
  if (answer === undefined || answer.ok || !isRefusal(answer.name)) return answer
  const now = await hostOf(way.authority, options, true)
  return now === service ? answer : ask(now)
}

/** Where the spaces of an account are asked about. Throws `OutboundError` when nobody says. */
export async function hostOf(
  authority: string,
  { resolver }: Pick<ObtainOptions, 'resolver'>,
  refresh = false,
): Promise<string> {
  const document = await resolver.document(authority, { refresh })
  const service = document && spaceHostOf(document)
  if (service === undefined)
    throw new OutboundError('ForbiddenUrl', `${authority} names no host of its spaces`)
  return service
}

function isRefusal(name: string): boolean {
  return OF_READER.has(name) || OF_NODE.has(name)
}

function finish(
  token: string,
  via: string,
  to: { space: string; signer: Signer; now: Date },
): Obtained {
  const until = credentialEnd(token, { ...to, keyId: to.signer.didKey })
  if (until === undefined) throw new CredentialUnavailable(to.space, 'it is none')
  return { token, until, via }
}
