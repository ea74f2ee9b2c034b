import type { Counts } from './telemetry/census.ts'
import type { HostNow } from './telemetry/lag.ts'

/** Where health and readiness are looked for; none of these throws, all answer in seconds. */
export type HealthSources = {
  versions: Readonly<Record<string, string>>
  /** whether every part of the node has begun its work */
  started: () => boolean
  database: () => Promise<{ ok: boolean; version?: string; latencyMs?: number }>
  hosts: () => Promise<readonly HostNow[]>
  counts: () => Promise<Counts | undefined>
  /** whether the own PDS answers a request over HTTP */
  pdsAnswers: () => Promise<boolean>
  ownHost: string
}

/** What `/xrpc/_health` answers: versions, the database, how far the views are behind, and how many
 *  repos and records are not as they should be. 503 while the node starts and while the database
 *  does not answer, so that a proxy sends nobody here. */
export async function healthOf(s: HealthSources): Promise<{ status: number; body: object }> {
  const [database, hosts, counts] = await Promise.all([s.database(), s.hosts(), s.counts()])
  const firehose = hosts.map(({ host, state, lag }) => ({
    host,
    connected: state.connected,
    cursor: state.lastSeq ?? null,
    queued: state.queued,
    lastEventAt: state.lastEventAt?.toISOString() ?? null,
    lagEvents: lag.events,
    lagSeconds: lag.seconds,
  }))
  const { repos = null, quarantined = null } = counts ?? {}
  const started = s.started()
  const body = { ...s.versions, started, database, firehose, repos, quarantined }
  return { status: started && database.ok ? 200 : 503, body }
}

/** How far the views may be behind the own PDS, in seconds, for the node to be ready. */
export const READY_LAG_SECONDS = 30

type Checks = Readonly<Record<string, { readonly ok: boolean; readonly [more: string]: unknown }>>

/** What `/readyz` answers: 200 when requests may be sent here, otherwise 503 with what is amiss.
 *  `started` is false until the tables are as this program wants them and the node listens. */
export async function readinessOf(
  started: HealthSources | undefined,
): Promise<{ status: number; body: object }> {
  if (!started) return readiness({ migrations: { ok: false } })
  const [database, pdsAnswers, hosts] = await Promise.all([
    started.database(),
    started.pdsAnswers(),
    started.hosts(),
  ])
  const own = hosts.find(({ host }) => host === started.ownHost)
  const seconds = own?.lag.seconds ?? null
  return readiness({
    migrations: { ok: true },
    database: { ok: database.ok },
    pds: { ok: pdsAnswers },
    firehose: {
      ok: seconds !== null && seconds <= READY_LAG_SECONDS,
      lagSeconds: seconds,
      lagSecondsMax: READY_LAG_SECONDS,
    },
  })
}

function readiness(checks: Checks): { status: number; body: object } {
  const amiss = Object.entries(checks).flatMap(([name, { ok }]) => (ok ? [] : name))
  const ready = amiss.length === 0
  return { status: ready ? 200 : 503, body: { ready, amiss, checks } }
}
