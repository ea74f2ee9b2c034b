import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { collections } from './appview/collections/index.ts'
import type { HostAdmin } from './appview/methods/federation/hosts.ts'
import type { Progress } from './appview/progress.ts'
import { systemTimers } from './clock.ts'
import type { Config } from './config.ts'
import { type Following, startFollowing } from './firehose/follow.ts'
import type { FollowOptions } from './firehose/follow-options.ts'
import { createHostApi } from './firehose/http-host-api.ts'
import { openSocket } from './firehose/socket.ts'
import type { SyncStore } from './firehose/store.ts'
import type { SubscriptionState } from './firehose/subscription-options.ts'
import type { Verifier } from './firehose/verifier.ts'
import { pooledVerifier } from './firehose/verify-pool.ts'
import type { Identity } from './identity/identity.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Telemetry } from './open-telemetry.ts'
import type { Outbound } from './outbound/fetch.ts'
import { OutboundError } from './outbound/outbound-error.ts'
import { ownIdentitiesFirst } from './own-identities.ts'
import { ownPrefix } from './pds/validate.ts'
import { countedConnect, countedVerifier, hostsByStream } from './telemetry/counted-intake.ts'
import { countedStore } from './telemetry/counted-store.ts'

/** What the node hears from hosts; it listens from `start` until `close`. */
export type Sync = {
  readonly verifier: Verifier
  readonly follow: (identity: Identity) => Promise<void>
  /** Accounts that records of permissioned repos name; nothing before `start`. */
  readonly named: (dids: readonly string[]) => void
  states(): ReadonlyMap<string, SubscriptionState>
  /** What administrators see and change; nothing before `start`. */
  readonly hosts: HostAdmin
  start(): Promise<void>
  close(): Promise<void>
}

type Options = {
  config: Config
  dataDir: string
  store: SyncStore
  progress: Progress
  resolver: IdentityResolver
  outbound: Outbound
  pds: NodePds
  telemetry: Pick<Telemetry, 'events' | 'freshness'>
  log: Log
}

/** Wires the consumer to this node's PDS, storage, network and clock. */
export function openSync(options: Options): Sync {
  const { config, resolver, pds, telemetry, log } = options
  const pool = pooledVerifier({ collections: ownPrefix, timers: systemTimers, log })
  const verifier = countedVerifier(pool, telemetry.events)
  const store = countedStore(options.store, telemetry)
  const own = { host: config.publicUrl, service: config.localUrl }
  // A handle in a DID document is a claim; the views get it only when it points back.
  const proveHandle = async (identity: Identity) =>
    (await pds.handleOf(identity.did)) ?? resolver.verifyHandle(identity)
  let following: Following | undefined
  return {
    verifier,
    async follow(identity) {
      const { did, pds: home } = identity
      const handle = await proveHandle(identity)
      const account = { did, pds: home, ...(handle !== undefined && { handle }) }
      await (following ? following.follow(account) : store.follow(account))
    },
    named: (dids) => following?.named(dids),
    states: () => following?.states() ?? new Map<string, SubscriptionState>(),
    hosts: {
      rows: () => following?.hosts.rows() ?? [],
      states: () => following?.states() ?? new Map(),
      add: async (host) => following?.hosts.add({ ...host, namedBy: 'admin' }),
      ban: async (host, reason) => following?.hosts.ban(host, reason),
      unban: async (host) => following?.hosts.unban(host),
    },
    async start() {
      // A repo may be larger than what is kept in memory where folders of the system lie.
      const folder = join(options.dataDir, 'fetching')
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const ports = { own, store, verifier, proveHandle, fetching: { folder } }
      following = await startFollowing(followOptions(options, ports))
    },
    close: async () => {
      try {
        await following?.close()
      } finally {
        await verifier.close()
      }
    },
  }
}

type Ports = Pick<FollowOptions, 'own' | 'store' | 'verifier' | 'proveHandle' | 'fetching'>

function followOptions(options: Options, ports: Ports): FollowOptions {
  const { config, progress, resolver, pds, telemetry, log } = options
  const { own } = ports
  return {
    ...ports,
    upstreams: config.ANGELOS_UPSTREAMS,
    relays: config.ANGELOS_RELAYS,
    relayHosts: config.ANGELOS_RELAY_HOSTS === 'direct',
    prefix: ownPrefix,
    collections: collections.map((collection) => collection.nsid),
    api: createHostApi({ outbound: ownOr(own.service, options.outbound) }),
    resolver: ownIdentitiesFirst({
      resolver,
      own: pds.ownAccount,
      pds: own.host,
      clock: systemTimers,
      log,
    }),
    connect: countedConnect(openSocket, telemetry.events, hostsByStream(own)),
    timers: systemTimers,
    log,
    publicOnly: !config.development,
    onApplied: ({ revs, outcomes }) => {
      progress.advance(revs)
      log.debug({ outcomes }, 'indexed')
    },
    limits: { sweepEveryMs: 3_600_000 / config.ANGELOS_REPAIRS_PER_HOUR },
  }
}

/** The own PDS is reached on this machine, where requests that others cause must not go. */
function ownOr(service: string, outbound: Outbound): Outbound {
  return async (url, { timeoutMs = 10_000, ...init } = {}) => {
    if (new URL(url).origin !== service) return outbound(url, { timeoutMs, ...init })
    return fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch((cause) => {
      throw new OutboundError('Unreachable', 'the own PDS does not answer', { cause })
    })
  }
}
