import type { FirehoseEvent } from '../../src/firehose/event.ts'
import type { HostApi } from '../../src/firehose/host-api.ts'
import type { Connect } from '../../src/firehose/socket.ts'
import type { Batch, ListedRepo } from '../../src/firehose/store.ts'
import { startSubscription } from '../../src/firehose/subscribe.ts'
import type { SubscriptionOptions } from '../../src/firehose/subscription-options.ts'
import { type Verifier, inlineVerifier } from '../../src/firehose/verifier.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { silentLog } from '../../src/log.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { seeded } from '../fast/random.ts'
import { createWorld, timersOf } from '../simulator/time.ts'

/** A moment after all revisions that a test makes, for time that only passes when it is told to. */
export const BEGIN = Date.UTC(2030, 0, 1)
/** Far more than a test makes: what goes round in circles ends. */
const STEPS_MAX = 1_000_000
export const PDS = 'https://pds.example.net'

/** Time that passes in `run`, for as many milliseconds as it is told. */
export function createTime() {
  const world = createWorld(BEGIN)
  const timers = timersOf(world, { alive: true }, seeded(1))
  return { timers, run: (ms: number) => world.run(world.now + ms, STEPS_MAX) }
}

/** A transport without a network: whatever is connected to is open at once. */
export function createTransport() {
  const open = new Map<string, Parameters<Connect>[0]>()
  const urls: string[] = []
  const paused = new Set<string>()
  const connect: Connect = (options) => {
    const { origin } = options.url
    urls.push(options.url.href)
    open.set(origin, options)
    queueMicrotask(() => options.onOpen())
    return {
      pause: () => void paused.add(origin),
      resume: () => void paused.delete(origin),
      close: () => {
        if (open.get(origin) !== options) return
        open.delete(origin)
        options.onClose('closed')
      },
    }
  }
  const of = (host: string) => open.get(host.replace('http', 'ws'))
  return {
    connect,
    /** addresses connected to so far */
    urls,
    isOpen: (host: string) => of(host) !== undefined,
    isPaused: (host: string) => paused.has(host.replace('http', 'ws')),
    send: (host: string, frame: Uint8Array) => of(host)?.onMessage(frame),
    drop(host: string) {
      const options = of(host)
      open.delete(host.replace('http', 'ws'))
      options?.onClose('dropped')
    },
  }
}

type Repo = ListedRepo & { collections?: readonly string[]; car?: () => Promise<Uint8Array> }

/** What hosts answer when asked, as a test has put it there; a host not there does not answer. */
export function createScriptedApi(pageSize = 2) {
  const hosts = new Map<string, Map<string, Repo>>()
  const listed: string[] = []
  const at = (service: string) => {
    const repos = hosts.get(service)
    if (!repos) throw new OutboundError('Unreachable', service)
    return repos
  }
  const page = <T>(all: readonly T[], cursor: string | undefined) => {
    const from = Number(cursor ?? 0)
    const next = from + pageSize
    const items = all.slice(from, next)
    return { items, ...(next < all.length && { cursor: String(next) }) }
  }
  const api: HostApi = {
    async repo(service, did) {
      const repo = at(service).get(did)
      if (!repo?.car) return { ok: false, reason: 'RepoNotFound', detail: did }
      const bytes = await repo.car()
      return {
        ok: true,
        body: (async function* () {
          yield bytes
        })(),
      }
    },
    async repoStatus(service, did) {
      const repo = at(service).get(did)
      if (!repo) return undefined
      const { active, status, rev } = repo
      return { active, rev, ...(status !== undefined && { status }) }
    },
    async listRepos(service, cursor) {
      listed.push(`${service} ${cursor ?? ''}`.trim())
      const all = [...at(service).values()]
      return page(
        all.map(({ car: _, collections: __, ...repo }) => repo),
        cursor,
      )
    },
    async listReposByCollection(service, collection, cursor) {
      const all = [...at(service).values()].filter((r) => r.collections?.includes(collection))
      return page(
        all.map(({ did }) => did),
        cursor,
      )
    },
    async listHosts(service, cursor) {
      at(service)
      return page(
        [...hosts.keys()].filter((host) => host !== service),
        cursor,
      )
    },
  }
  return {
    api,
    /** pages of repos asked for so far */
    listed,
    put(service: string, ...repos: Repo[]) {
      const there = hosts.get(service) ?? new Map<string, Repo>()
      for (const repo of repos) there.set(repo.did, repo)
      hosts.set(service, there)
    },
    remove: (service: string, did: string) => hosts.get(service)?.delete(did),
    silence: (service: string) => void hosts.delete(service),
  }
}

/** One subscription in time that is told to pass, with what its sink has taken. */
export function hear(
  resolve: (did: string, refresh: boolean) => Promise<Identity | undefined>,
  options: Partial<SubscriptionOptions> = {},
) {
  const time = createTime()
  const transport = createTransport()
  const events: FirehoseEvent[] = []
  const cursors: number[] = []
  const verifier: Verifier = inlineVerifier({ collections: 'co.kendev.' })
  const subscription = startSubscription({
    host: PDS,
    kind: 'pds',
    service: PDS,
    cursor: async () => undefined,
    from: 'beginning',
    inScope: () => true,
    authoritative: ({ pds }) => pds === (options.host ?? PDS),
    homeOf: async () => undefined,
    verifier,
    resolver: { resolve: (did, how) => resolve(did, how?.refresh ?? false) },
    sink: async (batch: Batch) => {
      events.push(...batch.events)
      if (batch.cursor !== undefined) cursors.push(batch.cursor)
    },
    connect: transport.connect,
    timers: time.timers,
    log: silentLog,
    ...options,
  })
  const send = (...frames: Uint8Array[]) => {
    for (const frame of frames) transport.send(PDS, frame)
  }
  return { ...time, transport, events, cursors, subscription, send }
}
