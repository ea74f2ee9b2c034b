import type { Timers } from '../clock.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Log } from '../log.ts'
import type { Backoff } from '../pacing/backoff.ts'
import type { LaneLimits } from './lanes.ts'
import type { Message } from './message.ts'
import type { Connect } from './socket.ts'
import type { Batch } from './store.ts'
import type { Verifier } from './verifier.ts'

/** What a subscription is allowed to hold and how it waits; all have a default. */
export type SubscriptionLimits = LaneLimits & {
  /** frames between socket and sink */
  queued: number
  /** their bytes; what one read of the socket holds may come on top */
  queuedBytes: number
  /** events in one call of the sink */
  batch: number
  /** frames taken from the host in one second; the host waits with the others */
  framesPerSecond: number
  /** shortest time between batches that only move the cursor */
  cursorOnlyMs: number
  pingMs: number
  /** waiting times before a connection, a call of the sink or a resolve is tried again */
  retry: Backoff
}

/** What a host may be believed, and what is asked of the rest of the node about its accounts. */
export type HostRules = {
  /** the host's name in logs and in the sink: its origin */
  host: string
  /** a relay speaks for all accounts; a PDS for those whose documents name it */
  kind: 'pds' | 'relay'
  /** whether this host may speak for an account */
  authoritative: (identity: Identity) => boolean
  /** the PDS of an account as it was last known; null or undefined when it was not */
  homeOf: (did: string) => Promise<string | null | undefined>
  /** Called with each account before anything of it is judged: it may have moved. */
  onFresh?: (identity: Identity) => Promise<void>
  /** The account's handle when it points back to it; without this, its claim is passed on. */
  proveHandle?: (identity: Identity) => Promise<string | undefined>
  /** the own PDS, believed what it says of accounts it has while no directory answers */
  own?: boolean
}

/** Whether an account is of interest; where that has to be found out first, how. */
export type Covered = boolean | (() => Promise<boolean>)

/** Which host to follow, for which accounts, and where its events go. */
export type SubscriptionOptions = HostRules & {
  /** origin of the host: ws, wss, http or https */
  service: string
  /** the stored cursor; undefined when there is none */
  cursor: () => Promise<number | undefined>
  /** where to begin when no cursor is stored; 'live' unless said */
  from?: 'live' | 'beginning'
  /** Whether an account is of interest, or becomes so by this message. */
  inScope: (did: string, message?: Message) => Covered
  verifier: Verifier
  resolver: Pick<IdentityResolver, 'resolve'>
  /** Takes a batch; when it throws, it gets the same batch again. */
  sink: (batch: Batch) => Promise<void>
  connect: Connect
  timers: Timers
  log: Log
  limits?: Partial<SubscriptionLimits>
  /** events were lost: the host no longer has them, or counts anew; awaited before it is heard
   *  again */
  onGap?: (gap: { host: string; reason: 'OutdatedCursor' | 'FutureCursor' }) => Promise<void>
  onConnected?: () => void
  /** Called for each message that was judged, with the reason of a refusal. */
  onJudged?: (refused: string | undefined) => void
  /** connect to public addresses only, for hosts that others named */
  publicOnly?: boolean
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
