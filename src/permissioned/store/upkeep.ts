import type { Timers } from '../../clock.ts'
import type { SqlPool } from '../../database/sql.ts'
import type { Log } from '../../log.ts'
import { type BlobBytes, sweepBlobs } from './blob-keeper.ts'
import { sweepExpired } from './credentials.ts'
import { compactLogs } from './oplog.ts'
import type { RepoAt } from './repo-reads.ts'

type Parts = { pool: SqlPool; bytes: BlobBytes; timers: Timers; log: Log }

const EVERY_MS = 3_600_000
const LOGS_AT_ONCE = 200
const BLOBS_AT_ONCE = 200

/** Clears away, every hour, what has expired, old parts of logs and files that no record refers to.
 *  A round that fails is logged, and the next one does its work. */
export function startUpkeep(parts: Parts): AsyncDisposable {
  const { timers, log } = parts
  const stop = new AbortController()
  const run = async () => {
    for (;;) {
      await timers.sleep(EVERY_MS, stop.signal)
      if (stop.signal.aborted) return
      await round(parts, stop.signal).catch((error: unknown) =>
        log.error({ err: error }, 'permissioned repos could not be cleared up'),
      )
    }
  }
  const running = run()
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

async function round({ pool, bytes, timers }: Parts, stopped: AbortSignal): Promise<void> {
  await sweepExpired(pool, timers.now())
  const options = { pool, clock: timers, bytes }
  let after: RepoAt | undefined
  do after = await compactLogs(options, after, LOGS_AT_ONCE)
  while (after && !stopped.aborted)
  while ((await sweepBlobs(options, BLOBS_AT_ONCE)) === BLOBS_AT_ONCE && !stopped.aborted);
}
