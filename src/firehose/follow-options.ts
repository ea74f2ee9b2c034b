import type { Timers } from '../clock.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Log } from '../log.ts'
import type { BackfillLimits } from './backfill.ts'
import type { HostApi } from './host-api.ts'
import type { HostLimits } from './hosts.ts'
import type { ScopeLimits } from './scope.ts'
import type { Connect } from './socket.ts'
import type { ResyncLimits } from './resync-limits.ts'
import type { Applied, SyncStore } from './store.ts'
import type { SubscriptionLimits } from './subscription-options.ts'
import type { Verifier } from './verifier.ts'

/** What is followed, through which ports, and within which bounds. */
export type FollowOptions = {
  /** The own PDS: its name, and where this process reaches it. */
  own: { host: string; service: string }
  /** hosts all accounts of which are followed */
  upstreams: readonly string[]
  /** relays, listened to for accounts that are followed and those with records of ours */
  relays: readonly string[]
  /** listen to every host that a relay lists, too */
  relayHosts: boolean
  /** beginning of our collections' NSIDs, and all of them that records are kept of */
  prefix: string
  collections: readonly string[]
  store: SyncStore
  api: HostApi
  resolver: Pick<IdentityResolver, 'resolve'>
  verifier: Verifier
  connect: Connect
  timers: Timers
  log: Log
  /** The account's handle when it points back to it. */
  proveHandle: (identity: Identity) => Promise<string | undefined>
  /** connect to other hosts at public addresses only */
  publicOnly: boolean
  /** Told after each batch and each repo that was taken in. */
  onApplied: (applied: Applied) => void
  limits?: Partial<FollowLimits>
  /** how repos are fetched, and the folder of what does not fit into memory meanwhile */
  fetching?: Partial<ResyncLimits>
}

/** Bounds of everything that others can cause; times in ms. */
export type FollowLimits = HostLimits &
  Omit<ScopeLimits, 'retry'> &
  BackfillLimits & {
    subscription: Partial<SubscriptionLimits>
    /** time between two questions of the repair sweep */
    sweepEveryMs: number
    /** time the streams have to bring what a list has shown already */
    graceMs: number
  }

/** Bounds for a node of some thousand tenants on a small machine. */
export const FOLLOW_LIMITS: FollowLimits = {
  hosts: 500,
  guard: { inARow: 200, inWindow: 5_000, windowMs: 60_000 },
  penaltyMs: 60_000,
  penalties: 4,
  followedPerHost: 10_000,
  followed: 100_000,
  admitMs: 10_000,
  accountsPerHost: 100_000,
  unfetched: 1_000,
  retry: { firstMs: 1_000, maxMs: 300_000 },
  subscription: {},
  sweepEveryMs: 10_000,
  graceMs: 30_000,
}
