import { type Clock } from './clock.ts'
import { type Config, ConfigError } from './config.ts'
import { type Events, noEvents } from './events.ts'
import { type HealthSources, readinessOf } from './health.ts'
import type { Log } from './log.ts'
import { type Admin, type Page, jsonPage, serveAdmin } from './telemetry/admin.ts'
import { type Freshness, createFreshness } from './telemetry/freshness.ts'
import { type NodeParts, observeNode } from './telemetry/observe-node.ts'
import { createObservers } from './telemetry/observers.ts'
import { observeProcess } from './telemetry/process.ts'
import { createTally } from './telemetry/tally.ts'

/** What a node knows about itself, and tells its operator. */
export type Telemetry = AsyncDisposable & {
  /** counts nothing while nobody can ask */
  readonly events: Events
  readonly freshness: Freshness
  /** where the operator asks; undefined when there is no admin port */
  readonly url: string | undefined
  /** Called once the node listens: from now on it may be ready, and all of it is looked at. */
  started(health: HealthSources, parts: Pick<NodeParts, 'pools' | 'verifier' | 'ledger'>): void
}

/** How long one scrape waits for what has to be looked up, in milliseconds. */
const PATIENCE_MS = 2_500

/**
 * Opens the admin port, when there is one, before everything else: a node that starts slowly is
 * alive and not ready. Throws `ConfigError` when the port is taken.
 */
export async function openTelemetry(options: {
  config: Config
  versions: Readonly<Record<string, string>>
  did: string
  clock: Clock
  log: Log
}): Promise<Telemetry> {
  const { config, clock, log } = options
  const freshness = createFreshness(clock)
  if (config.ANGELOS_ADMIN_PORT === 0) {
    const none = { events: noEvents, url: undefined, started: () => undefined }
    return { ...none, freshness, [Symbol.asyncDispose]: async () => undefined }
  }
  const tally = createTally({ now: () => performance.now() })
  const observers = createObservers({ patienceMs: PATIENCE_MS })
  let health: HealthSources | undefined
  const pages = new Map<string, () => Promise<Page>>([
    ['/metrics', await metricsPage({ tally, observers, resource: resourceOf(options) })],
    ['/livez', async () => jsonPage(200, { live: true })],
    ['/readyz', async () => page(await readinessOf(health))],
  ])
  const admin = await openAdmin(config, pages, log)
  const watching = observeProcess(observers)
  return {
    events: tally,
    freshness,
    url: admin.url,
    started(sources, parts) {
      health = sources
      observeNode(observers, { ...parts, hosts: sources.hosts, counts: sources.counts })
    },
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]()
      await admin.close()
    },
  }
}

/** OpenTelemetry is loaded only where it is asked for. */
async function metricsPage(
  parts: Parameters<typeof import('./telemetry/exposition.ts').createExposition>[0],
): Promise<() => Promise<Page>> {
  const { EXPOSITION_TYPE, createExposition } = await import('./telemetry/exposition.ts')
  const write = createExposition(parts)
  return async () => ({ status: 200, type: EXPOSITION_TYPE, body: await write() })
}

/** Names of https://opentelemetry.io/docs/specs/semconv/resource/. */
function resourceOf({
  versions,
  did,
}: {
  versions: Readonly<Record<string, string>>
  did: string
}) {
  return {
    'service.name': 'angelos',
    'service.version': versions['version'] ?? '',
    'service.instance.id': did,
    'process.runtime.version': versions['node'] ?? '',
  }
}

async function openAdmin(
  config: Config,
  pages: ReadonlyMap<string, () => Promise<Page>>,
  log: Log,
): Promise<Admin> {
  const { ANGELOS_ADMIN_HOST: host, ANGELOS_ADMIN_PORT: port } = config
  try {
    return await serveAdmin({ host, port, pages, log })
  } catch (error) {
    if (!isTaken(error)) throw error
    const way = 'give ANGELOS_ADMIN_PORT another one, or 0 for none'
    throw new ConfigError(`✖ The admin port ${host}:${port} is taken: ${way}`)
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

function page({ status, body }: { status: number; body: object }): Page {
  return jsonPage(status, body)
}
