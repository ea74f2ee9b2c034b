import type { Clock } from '../clock.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Identity } from '../identity/identity.ts'
import type { AccountEvent, FirehoseEvent, IdentityEvent } from './event.ts'
import type { Lookup } from './lookup.ts'
import type { AccountMessage, CommitMessage, IdentityMessage } from './message.ts'
import type { Message, SyncMessage } from './message.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { HostRules } from './subscription-options.ts'
import { UNCONFIRMED } from './standing.ts'
import type { Verifier } from './verifier.ts'

/** What a host's messages are judged by. */
export type Rules = HostRules & { lookup: Lookup; verifier: Verifier; timers: Clock }

/**
 * The event of a message of an account in scope, or why there is none. An identity is refreshed
 * once before it is the reason. Throws only when something of ours is broken or is being stopped.
 */
export async function judge(message: Message, rules: Rules): Promise<FirehoseEvent | Refusal> {
  if (message.kind === 'identity') return judgeIdentity(message, rules)
  if (message.kind === 'account') return judgeAccount(message, rules)
  const verdict = await judgeSigned(message, rules)
  return 'ok' in verdict && movedHere(verdict, rules) ? { ...verdict, moved: true } : verdict
}

/** What a malformed commit means: from the account's own PDS it may be one we cannot take. */
export async function judgeMalformed(
  did: string,
  refusal: Refusal,
  rules: Rules,
): Promise<Refusal> {
  if (!movedHere(refusal, rules)) return refusal
  const identity = await identifyHere(did, rules)
  if (!('ok' in identity)) return { ...refusal, moved: true }
  return identity.reason === 'IdentityUnavailable'
    ? identity
    : refuse(refusal.reason, refusal.detail)
}

const NOT_OF_THE_REPO = ['NotAuthoritative', 'NoIdentity', 'IdentityUnavailable', 'WrongDid']

/** A PDS that refuses to be understood about its own account has something new of it. */
function movedHere({ reason }: Refusal, { kind }: Rules): boolean {
  return kind === 'pds' && reason !== 'OldSeq' && !NOT_OF_THE_REPO.includes(reason)
}

async function judgeSigned(
  message: CommitMessage | SyncMessage,
  rules: Rules,
): Promise<FirehoseEvent | Refusal> {
  const identity = await identifyHere(message.did, rules)
  if ('ok' in identity) return identity
  const first = await verify(message, identity, rules)
  if (!('ok' in first) || first.reason !== 'BadSignature') return first
  const fresh = await refreshed(message.did, rules)
  if ('ok' in fresh) return fresh
  if (!rules.authoritative(fresh)) return elsewhere(fresh)
  return fresh.signingKey === identity.signingKey ? first : verify(message, fresh, rules)
}

async function verify(
  message: CommitMessage | SyncMessage,
  identity: Identity,
  { verifier, timers }: Rules,
): Promise<FirehoseEvent | Refusal> {
  const { did, signingKey } = identity
  const job = { message, identity: { did, signingKey }, now: timers.now() }
  const verdict = await verifier.verify(job)
  return verdict.ok ? verdict.event : verdict
}

/** An account may have moved here since its document was cached. */
async function identifyHere(did: string, rules: Rules): Promise<Identity | Refusal> {
  const known = await rules.lookup.hold(did, false)
  if ('ok' in known) return known
  if (rules.authoritative(known)) {
    // A document may have been fetched anew by anybody, and this be the first to hear of a move.
    await rules.onFresh?.(known)
    return known
  }
  const fresh = await refreshed(did, rules)
  return 'ok' in fresh || rules.authoritative(fresh) ? fresh : elsewhere(fresh)
}

/** The account as its document says now; told to those who have to follow it to another host. */
async function refreshed(did: string, rules: Rules): Promise<Identity | Refusal> {
  const identity = await rules.lookup.hold(did, true)
  if (!('ok' in identity)) await rules.onFresh?.(identity)
  return identity
}

function elsewhere(identity: Identity): Refusal {
  return refuse('NotAuthoritative', `the account lives at ${identity.pds}`)
}

async function judgeAccount(
  message: AccountMessage,
  rules: Rules,
): Promise<AccountEvent | Refusal> {
  const trusted = rules.own || rules.kind === 'relay'
  // A directory that is down must not hide what a host says that is believed without it.
  const identity = await (trusted ? refreshedOnce : refreshed)(message.did, rules)
  if (rules.kind === 'relay') return hearsay(message)
  if (!('ok' in identity)) return rules.authoritative(identity) ? message : elsewhere(identity)
  // An account that is gone has no document any more; nobody but its last host could report that.
  if (message.active || (identity.reason !== 'NoIdentity' && !rules.own)) return identity
  const isHome = (await rules.homeOf(message.did)) === rules.host
  return isHome ? perhapsMoved(message, identity) : identity
}

/** What a relay passes on may have been said by a host that the account has left since, so that it
 *  hides the account only until its home was asked. A deletion is believed: nobody moves after it,
 *  and a home that has deleted an account no longer knows it. */
function hearsay(message: AccountMessage): AccountEvent {
  const isFinal = message.active || message.status === 'deleted'
  return isFinal ? message : { ...message, status: UNCONFIRMED }
}

/** Whoever moves is called deactivated by their old host: while nobody can say where they live,
 *  they are hidden, and looked for until they are found. */
function perhapsMoved(message: AccountMessage, identity: Identity | Refusal): AccountEvent {
  const isUnknown = 'ok' in identity && identity.reason === 'IdentityUnavailable'
  return isUnknown && message.status === 'deactivated'
    ? { ...message, status: UNCONFIRMED }
    : message
}

async function refreshedOnce(did: string, rules: Rules): Promise<Identity | Refusal> {
  try {
    const identity = await rules.lookup.once(did, true)
    if (identity === undefined) return refuse('NoIdentity', did)
    await rules.onFresh?.(identity)
    return identity
  } catch (error) {
    if (error instanceof IdentityUnavailable) return refuse('IdentityUnavailable', did)
    throw error
  }
}

async function judgeIdentity(
  message: IdentityMessage,
  rules: Rules,
): Promise<IdentityEvent | Refusal> {
  const identity = await refreshed(message.did, rules)
  if ('ok' in identity) return identity.reason === 'NoIdentity' ? message : identity
  const { proveHandle } = rules
  const handle = proveHandle ? await proveHandle(identity) : identity.handle
  return { ...message, pds: identity.pds, ...(handle === undefined ? {} : { handle }) }
}
