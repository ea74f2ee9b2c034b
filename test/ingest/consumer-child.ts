import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { collections } from '../../src/appview/collections/index.ts'
import { Indexer } from '../../src/appview/index-record.ts'
import type { SqlPool } from '../../src/appview/sql.ts'
import { createSyncStore } from '../../src/appview/sync-store.ts'
import { systemTimers } from '../../src/clock.ts'
import { openPool } from '../../src/database/pool.ts'
import type { FollowOptions } from '../../src/firehose/follow-options.ts'
import { type Following, startFollowing } from '../../src/firehose/follow.ts'
import { createHostApi } from '../../src/firehose/http-host-api.ts'
import { openSocket } from '../../src/firehose/socket.ts'
import type { SyncStore } from '../../src/firehose/store.ts'
import { pooledVerifier } from '../../src/firehose/verify-pool.ts'
import { createIdentityResolver } from '../../src/identity/resolver.ts'
import { createLog } from '../../src/log.ts'
import { createOutbound } from '../../src/outbound/fetch.ts'

/** What one life of the consumer is given. */
export type Life = {
  databaseUrl: string
  plcUrl: string
  own: string
  upstreams: readonly string[]
  /** accounts it has to follow, if it does not yet */
  follow: readonly { did: string; pds: string }[]
  shards: number
  /** time that each batch takes longer, in ms */
  slowMs: number
  /** waiting times as in the node, and not short ones */
  patient: boolean
}

/** What a consumer tells when it is asked. */
export type Sample = {
  applied: number
  queued: number
  verifying: number
  paused: number
  heap: number
  rss: number
}

const life = JSON.parse(process.argv[2] ?? '') as Life
const counts = { applied: 0, paused: 0, started: false }
const log = createLog({ level: 'warn', to: pino.destination({ dest: 2, sync: true }) })
const timers = systemTimers
const outbound = createOutbound({ development: true })
const pool = openPool({ url: life.databaseUrl, max: 10, log }) as unknown as SqlPool
const verifier = pooledVerifier({ collections: 'co.kendev.', timers, log })
const store = slow(
  createSyncStore({ pool, indexer: new Indexer(collections), clock: timers, shards: life.shards }),
)
let following: Following | undefined

const SHORT = {
  fetching: {
    retry: { firstMs: 200, maxMs: 2_000 },
    rest: { firstMs: 100, maxMs: 1_000 },
    lookMs: 200,
  },
  limits: {
    retry: { firstMs: 50, maxMs: 500 },
    graceMs: 300,
    sweepEveryMs: 86_400_000,
    subscription: { cursorOnlyMs: 100, retry: { firstMs: 20, maxMs: 300 }, batch: 20 },
  },
}

/** A database that takes its time. */
function slow(real: SyncStore): SyncStore {
  const apply: SyncStore['apply'] = async (batch) => {
    if (life.slowMs > 0) await sleep(life.slowMs)
    const applied = await real.apply(batch)
    counts.applied += batch.events.length
    return applied
  }
  return new Proxy(real, {
    get: (target, name) => {
      if (name === 'apply') return apply
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Sockets as they are, with their pauses counted. */
const connect: FollowOptions['connect'] = (options) => {
  const socket = openSocket(options)
  return {
    ...socket,
    pause() {
      counts.paused += 1
      socket.pause()
    },
  }
}

async function start(): Promise<void> {
  process.send?.('begun')
  following = await startFollowing({
    own: { host: life.own, service: life.own },
    upstreams: life.upstreams,
    relays: [],
    relayHosts: false,
    prefix: 'co.kendev.',
    collections: collections.map(({ nsid }) => nsid),
    store,
    api: createHostApi({ outbound }),
    resolver: createIdentityResolver({
      plcUrl: life.plcUrl,
      development: true,
      clock: timers,
      log,
      outbound,
    }),
    verifier,
    connect,
    timers,
    log,
    proveHandle: async ({ handle }) => handle,
    publicOnly: false,
    onApplied: () => undefined,
    ...(!life.patient && SHORT),
  })
  const known = new Set((await store.followed()).map(({ did }) => did))
  for (const account of life.follow) if (!known.has(account.did)) await following.follow(account)
  process.send?.('started')
}

function sample(): Sample {
  const { gc } = globalThis
  gc?.()
  const states = [...(following?.states().values() ?? [])]
  const { heapUsed: heap, rss } = process.memoryUsage()
  const { applied, paused } = counts
  const queued = states.reduce((sum, state) => sum + state.queued, 0)
  return { applied, paused, queued, verifying: verifier.queued, heap, rss }
}

process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(sample()))
// A node whose database is away cannot begin either: it ends, and is begun again.
start().catch((err: unknown) => {
  log.error({ err }, 'it cannot begin')
  process.exit(CANNOT_BEGIN)
})

/** The exit code of a consumer that could not begin. */
export const CANNOT_BEGIN = 3
