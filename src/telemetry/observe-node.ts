import type { EventName, HistogramName } from '../events.ts'
import type { Counts } from './census.ts'
import type { HostNow } from './lag.ts'
import { type LedgerParts, observeLedger } from './observe-ledger.ts'
import type { Observers, Sample } from './observers.ts'

/** A pool of connections, as `pg` counts them. */
export type PoolNow = {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** The parts of a running node that are looked at, not counted. */
export type NodeParts = {
  hosts: () => Promise<readonly HostNow[]>
  counts: () => Promise<Counts | undefined>
  pools: Readonly<Record<string, PoolNow>>
  verifier: { readonly queued: number }
  ledger: LedgerParts
}

/** Observes hosts, repos, quarantine, connections and the verifier of one node. */
export function observeNode({ observe }: Observers, parts: NodeParts): void {
  observeHosts({ observe }, parts.hosts)
  observeLedger({ observe }, parts.ledger)
  const { counts, pools, verifier } = parts
  observe('repos', async () =>
    Object.entries((await counts())?.repos ?? {}).map(([state, value]) => ({
      labels: { state },
      value,
    })),
  )
  observe('quarantined', async () =>
    Object.entries((await counts())?.quarantined ?? {}).map(([reason, value]) => ({
      labels: { reason },
      value,
    })),
  )
  observe('database.connections', () =>
    Object.entries(pools).flatMap(([pool, { totalCount, idleCount }]) => [
      { labels: { pool, state: 'idle' as const }, value: idleCount },
      { labels: { pool, state: 'used' as const }, value: totalCount - idleCount },
    ]),
  )
  observe('database.waiting', () =>
    Object.entries(pools).map(([pool, { waitingCount }]) => ({
      labels: { pool },
      value: waitingCount,
    })),
  )
  observe('verifier.queued', () => [{ labels: {}, value: verifier.queued }])
}

type OfHost = Extract<Exclude<EventName, HistogramName>, `firehose.${string}`>

function observeHosts(
  { observe }: Pick<Observers, 'observe'>,
  hosts: () => Promise<readonly HostNow[]>,
): void {
  // All that is told of the hosts on one page is of one look at them.
  let looking: Promise<readonly HostNow[]> | undefined
  const look = () => {
    looking ??= hosts().finally(() => {
      looking = undefined
    })
    return looking
  }
  const each = <N extends Exclude<OfHost, 'firehose.events' | 'firehose.refused'>>(
    name: N,
    valueOf: (now: HostNow) => number | null | undefined,
  ) =>
    observe(name, async () =>
      (await look()).flatMap((now) => {
        const value = valueOf(now)
        const known = value !== null && value !== undefined
        return known ? [{ labels: { host: now.host }, value } as Sample<N>] : []
      }),
    )
  each('firehose.connected', ({ state }) => Number(state.connected))
  each('firehose.cursor', ({ state }) => state.lastSeq)
  each('firehose.queued', ({ state }) => state.queued)
  each('firehose.queued.size', ({ state }) => state.queuedBytes)
  each('firehose.lag.events', ({ lag }) => lag.events)
  each('firehose.lag', ({ lag }) => lag.seconds)
}
