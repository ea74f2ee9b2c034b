import type { Clock } from '../clock.ts'
import type { Batch } from '../firehose/store.ts'

/** What was last stored of a host. */
export type Stored = {
  /** everything up to here is in the views */
  readonly cursor: number | undefined
  /** how old, in seconds, the newest event was when it was stored; undefined when none was */
  readonly age: number | undefined
  readonly at: Date
}

/** Remembers of each host how fresh its events were when they were stored. */
export type Freshness = {
  stored(batch: Batch): void
  of(host: string): Stored | undefined
}

/** Keeps it in memory: after a start nothing is known until a batch is stored. */
export function createFreshness(clock: Clock): Freshness {
  const hosts = new Map<string, Stored>()
  return {
    stored({ host, events, cursor }) {
      const at = clock.now()
      const before = hosts.get(host)
      const newest = Math.max(...events.map(({ time }) => Date.parse(time) || 0))
      const age = newest > 0 ? Math.max(0, (at.getTime() - newest) / 1_000) : before?.age
      hosts.set(host, { cursor: cursor ?? before?.cursor, age, at })
    },
    of: (host) => hosts.get(host),
  }
}
