import type { SubscriptionState } from './firehose/subscription-options.ts'

export type HealthSources = {
  versions: Readonly<Record<string, string>>
  database: () => Promise<{ ok: boolean; version?: string; latencyMs?: number }>
  hosts: () => ReadonlyMap<string, SubscriptionState>
  /** The number of the last event the own PDS has written. */
  newestSeq: () => Promise<number | null>
  ownHost: string
}

/** What `/xrpc/_health` answers: versions, the database, and how far the views are behind. 503
 *  while the database does not answer, so that a proxy sends nobody here. */
export async function healthOf(s: HealthSources): Promise<{ status: number; body: object }> {
  const [database, newest] = await Promise.all([s.database(), s.newestSeq().catch(() => null)])
  const firehose = [...s.hosts()].map(([host, state]) => ({
    host,
    connected: state.connected,
    cursor: state.lastSeq ?? null,
    queued: state.queued,
    lastEventAt: state.lastEventAt?.toISOString() ?? null,
    ...(host === s.ownHost && { lagEvents: lag(newest, state.lastSeq) }),
  }))
  const body = { ...s.versions, database, firehose }
  return { status: database.ok ? 200 : 503, body }
}

function lag(newest: number | null, read: number | undefined): number | null {
  return newest === null ? null : Math.max(0, newest - (read ?? 0))
}
