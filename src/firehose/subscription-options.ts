import { type Clock } from '../clock.ts'
import { type Identity } from '../identity/identity.ts'
import { type IdentityResolver } from '../identity/resolver.ts'
import { type Log } from '../log.ts'
import { type Backoff } from './backoff.ts'
import { type Sink } from './event.ts'
import { type Inversion } from './verify.ts'

/** What a subscription is allowed to hold and how it waits; all have a default. */
export type SubscriptionLimits = {
  /** frames between socket and sink */
  queued: number
  /** their bytes; what one read of the socket holds may come on top */
  queuedBytes: number
  /** events in one call of the sink */
  batch: number
  /** how long events of one account wait for a directory that is down */
  identityHoldMs: number
  /** shortest time between batches that only move the cursor */
  cursorOnlyMs: number
  pingMs: number
  /** waiting times before a connection, a call of the sink or a resolve is tried again */
  retry: Backoff
}

/** Which host to follow, for which accounts, and where its events go. */
export type SubscriptionOptions = {
  /** the host's name in logs and in the sink */
  host: string
  /** origin of the host: ws, wss, http or https */
  service: string
  /** the stored cursor; undefined when there is none */
  cursor: () => Promise<number | undefined>
  /** where to begin when no cursor is stored; 'live' unless said */
  from?: 'live' | 'beginning'
  inScope: (did: string) => boolean | Promise<boolean>
  /** whether this host may speak for an account: it is its PDS; always, for a relay */
  authoritative: (identity: Identity) => boolean
  /** records of which collections reach the sink; those of `co.kendev.` unless said */
  collections?: (nsid: string) => boolean
  resolver: Pick<IdentityResolver, 'resolve'>
  sink: Sink
  clock: Clock
  log: Log
  limits?: Partial<SubscriptionLimits>
  /** events were lost: the host no longer has them, or counts anew */
  onGap?: (gap: { host: string; reason: 'OutdatedCursor' | 'FutureCursor' }) => void
  /** connect to public addresses only, for hosts that others named */
  publicOnly?: boolean
  invert?: Inversion
}

/** How a subscription is doing now. */
export type SubscriptionState = {
  connected: boolean
  /** the highest sequence number read, or the stored cursor */
  lastSeq: number | undefined
  /** frames read and not yet taken by the sink */
  queued: number
  queuedBytes: number
  lastEventAt: Date | undefined
}
