import type { FirehoseEvent } from '../firehose/event.ts'
import type { Applied, Batch } from '../firehose/store.ts'

/** A batch in parts, one for each shard with events, the cursors of the others with the first. The
 *  events of an account stay together, in their order. */
export function inShards(batch: Batch, shards: number): { batch: Batch; shards: number[] }[] {
  const all = Array.from({ length: shards }, (_, shard) => shard)
  const events = Map.groupBy(batch.events, ({ did }) => shardOf(did, shards))
  const idle = all.filter((shard) => !events.has(shard))
  if (events.size === 0) return [{ batch, shards: idle }]
  return [...events].map(([shard, of], n) => ({
    batch: { ...batch, events: of as readonly FirehoseEvent[] },
    shards: n === 0 ? [shard, ...idle] : [shard],
  }))
}

/** FNV-1a: the same account is always in the same shard. */
function shardOf(did: string, shards: number): number {
  let hash = 0x811c_9dc5
  for (let n = 0; n < did.length; n += 1)
    hash = Math.imul(hash ^ did.charCodeAt(n), 0x0100_0193) >>> 0
  return hash % shards
}

/** What parts did, as if it had been one. */
export function together(parts: readonly Applied[]): Applied {
  const outcomes: Record<string, number> = {}
  for (const part of parts)
    for (const [name, n] of Object.entries(part.outcomes))
      outcomes[name] = (outcomes[name] ?? 0) + n
  return {
    revs: new Map(parts.flatMap(({ revs }) => [...revs])),
    outcomes,
    queued: parts.flatMap(({ queued }) => queued),
    desynchronized: [...new Set(parts.flatMap((part) => part.desynchronized))],
    named: [...new Set(parts.flatMap(({ named }) => named))],
  }
}
