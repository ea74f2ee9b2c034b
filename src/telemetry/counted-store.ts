import type { Events, LabelsOf } from '../events.ts'
import type { Applied, Batch, SyncStore } from '../firehose/store.ts'
import type { Freshness } from './freshness.ts'

type Counting = { events: Events; freshness: Freshness }

/** A call that stores batches, counted: what came, what was refused and why, and how long it took.
 *  A batch that is tried again counts once, when it is stored. */
export function countedApply<R>(
  apply: (batch: Batch) => Promise<R>,
  { events, freshness }: Counting,
): (batch: Batch) => Promise<R> {
  return async (batch) => {
    const done = events.time('store.apply', {})
    try {
      const result = await apply(batch)
      done()
      countBatch(events, batch)
      freshness.stored(batch)
      return result
    } catch (error) {
      events.count('store.failed', {})
      throw error
    }
  }
}

function countBatch(events: Events, { host, events: told }: Batch): void {
  events.record('store.batch', {}, told.length)
  for (const event of told) {
    if (event.kind === 'refused') {
      // The stream carries names of the closed union, and its type does not say so.
      const reason = event.reason as LabelsOf<'firehose.refused'>['reason']
      events.count('firehose.refused', { host, reason })
    } else events.count('firehose.events', { host, kind: event.kind })
  }
}

/** Counts what became of records and events. */
export function countOutcomes(events: Events, { outcomes }: Pick<Applied, 'outcomes'>): void {
  for (const [outcome, number] of Object.entries(outcomes))
    events.count('store.outcomes', { outcome }, number)
}

/** The same store, with its batches and the repos that are fetched counted. */
export function countedStore(store: SyncStore, counting: Counting): SyncStore {
  const { events } = counting
  const stored = countedApply((batch) => store.apply(batch), counting)
  const fetching = new Map<string, () => void>()
  const counted = (applied: Applied) => {
    countOutcomes(events, applied)
    return applied
  }
  return overriding(store, {
    apply: async (batch) => counted(await stored(batch)),
    async claim(options) {
      const claims = await store.claim(options)
      for (const { did } of claims) fetching.set(did, events.time('resync.duration', {}))
      if (claims.length > 0) events.count('resync.started', {}, claims.length)
      return claims
    },
    async resyncDone(did, end) {
      const applied = await store.resyncDone(did, end)
      fetching.get(did)?.()
      fetching.delete(did)
      events.count('resync.completed', {})
      return counted(applied)
    },
    async resyncFailed(did, failure) {
      await store.resyncFailed(did, failure)
      fetching.delete(did)
      events.count('resync.failed', { reason: failure.reason })
    },
    async unclaim(did, pds) {
      await store.unclaim(did, pds)
      fetching.delete(did)
    },
  })
}

/** An object whose methods are those of another, but for some. */
function overriding<T extends object>(whole: T, some: Partial<T>): T {
  return new Proxy(whole, {
    get(target, key) {
      const own: unknown = Reflect.get(some, key)
      if (own !== undefined) return own
      const method: unknown = Reflect.get(target, key)
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
}
