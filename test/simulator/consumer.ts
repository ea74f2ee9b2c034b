import type { Timers } from '../../src/clock.ts'
import { type Following, startFollowing } from '../../src/firehose/follow.ts'
import type { HostApi } from '../../src/firehose/host-api.ts'
import { type MemoryStore, createMemoryStore } from '../../src/firehose/memory-store.ts'
import type { Connect } from '../../src/firehose/socket.ts'
import type { SyncStore } from '../../src/firehose/store.ts'
import { type Verifier, inlineVerifier } from '../../src/firehose/verifier.ts'
import type { IdentityResolver } from '../../src/identity/resolver.ts'
import { watchfulLog } from './log.ts'
import { OURS } from './person.ts'
import { OWN, RELAY, type Stage } from './stage.ts'

/** What one life of the consumer reaches the world through. */
export type Ports = {
  stage: Stage
  timers: Timers
  api: HostApi
  resolver: IdentityResolver
  store: SyncStore
  connect: Connect
  /** Told of what must never be logged. */
  fatal: (what: string) => void
}

/** First question of the sweep, after the start and between two: all else has settled by then. */
const SWEEP_EVERY_MS = 4 * 3_600_000

/** How often is looked for repos whose waiting time is over. */
const FETCHING = { fetching: { lookMs: 300_000 } }

/** The store that outlives every consumer. */
export function createStore({ world }: Stage): MemoryStore {
  return createMemoryStore({ clock: { now: () => new Date(world.now) } })
}

/** Starts the consumer as the node does, with everything around it simulated. */
export function startConsumer({ stage, fatal, ...ports }: Ports): Promise<Following> {
  return startFollowing({
    ...ports,
    own: { host: OWN, service: OWN },
    upstreams: [],
    relays: stage.relay === undefined ? [] : [RELAY],
    relayHosts: false,
    prefix: 'co.kendev.',
    collections: OURS,
    verifier: slowVerifier(ports.timers),
    log: watchfulLog(fatal),
    proveHandle: async ({ handle }) => handle,
    publicOnly: false,
    onApplied: () => undefined,
    ...FETCHING,
    limits: {
      subscription: { batch: 2 },
      sweepEveryMs: SWEEP_EVERY_MS,
      guard: { inARow: 20, inWindow: 500, windowMs: 60_000 },
    },
  })
}

/** Verdicts come when they come, as they do from other threads. */
function slowVerifier(timers: Timers): Verifier {
  const inline = inlineVerifier({ collections: 'co.kendev.' })
  return {
    ...inline,
    async verify(job) {
      await timers.sleep(Math.floor(timers.random() * 15))
      return inline.verify(job)
    },
  }
}
