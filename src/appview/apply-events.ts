import type { Clock } from '../clock.ts'
import type { Applied, Batch } from '../firehose/store.ts'

export type { Applied }
import type { Indexer } from './index-record.ts'
import type { SqlPool } from './sql.ts'
import { createSyncStore } from './sync-store.ts'

/** Makes the firehose's sink of the node's store. */
export function createSink(options: {
  pool: SqlPool
  indexer: Indexer
  clock: Clock
  applied: (what: Applied) => void
}): (batch: Batch) => Promise<void> {
  const store = createSyncStore(options)
  return async (batch) => options.applied(await store.apply(batch))
}
