import { type Clock } from '../clock.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import { type Identity } from '../identity/identity.ts'
import { type AccountEvent, type FirehoseEvent, type IdentityEvent } from './event.ts'
import { type Lookup } from './lookup.ts'
import { type AccountMessage, type CommitMessage, type IdentityMessage } from './message.ts'
import { type Message, type SyncMessage } from './message.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type Inversion, verifyCommit, verifySync } from './verify.ts'

/** What a host's messages are judged by. */
export type Rules = {
  lookup: Lookup
  /** whether this host may speak for an account: it is its PDS; always, for a relay */
  authoritative: (identity: Identity) => boolean
  collections: (nsid: string) => boolean
  clock: Clock
  invert?: Inversion
}

/**
 * The event of a message of an account in scope, or why there is none. An identity is refreshed
 * once before it is the reason. Throws only when something of ours is broken or is being stopped.
 */
export async function judge(message: Message, rules: Rules): Promise<FirehoseEvent | Refusal> {
  if (message.kind === 'identity') return judgeIdentity(message, rules)
  if (message.kind === 'account') return judgeAccount(message, rules)
  return judgeSigned(message, rules)
}

async function judgeSigned(
  message: CommitMessage | SyncMessage,
  rules: Rules,
): Promise<FirehoseEvent | Refusal> {
  const identity = await identifyHere(message.did, rules)
  if ('ok' in identity) return identity
  const first = verify(message, identity, rules)
  if (!('ok' in first) || first.reason !== 'BadSignature') return first
  const fresh = await rules.lookup.hold(message.did, true)
  if ('ok' in fresh) return fresh
  return fresh.signingKey === identity.signingKey ? first : verify(message, fresh, rules)
}

function verify(
  message: CommitMessage | SyncMessage,
  identity: Identity,
  rules: Rules,
): FirehoseEvent | Refusal {
  const now = rules.clock.now()
  const { collections, invert } = rules
  const verdict =
    message.kind === 'sync'
      ? verifySync({ message, identity, now })
      : verifyCommit({ message, identity, now, collections, ...(invert && { invert }) })
  return verdict.ok ? verdict.event : verdict
}

/** An account may have moved here since its document was cached. */
async function identifyHere(did: string, rules: Rules): Promise<Identity | Refusal> {
  let identity = await rules.lookup.hold(did, false)
  if ('ok' in identity || rules.authoritative(identity)) return identity
  identity = await rules.lookup.hold(did, true)
  if ('ok' in identity || rules.authoritative(identity)) return identity
  return refuse('NotAuthoritative', `the account lives at ${identity.pds}`)
}

async function judgeAccount(
  message: AccountMessage,
  rules: Rules,
): Promise<AccountEvent | Refusal> {
  const identity = await identifyHere(message.did, rules)
  if (!('ok' in identity)) return message
  // An account that is gone has no document any more; nobody else could report that.
  return identity.reason === 'NoIdentity' && !message.active ? message : identity
}

async function judgeIdentity(message: IdentityMessage, rules: Rules): Promise<IdentityEvent> {
  try {
    const identity = await rules.lookup.once(message.did, true)
    if (identity === undefined) return message
    const { handle, pds } = identity
    return { ...message, pds, ...(handle === undefined ? {} : { handle }) }
  } catch (error) {
    if (error instanceof IdentityUnavailable) return message
    throw error
  }
}
