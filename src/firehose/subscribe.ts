import { type Log } from '../log.ts'
import { type Backoff, backOff, sleep } from './backoff.ts'
import { Pipeline } from './pipeline.ts'
import {
  type SubscriptionLimits,
  type SubscriptionOptions,
  type SubscriptionState,
} from './subscription-options.ts'

/** A host being followed. `close` settles within seconds, whatever host and sink do. */
export type Subscription = {
  state(): SubscriptionState
  close(): Promise<void>
}

const DEFAULTS: SubscriptionLimits = {
  queued: 1000,
  queuedBytes: 64_000_000,
  batch: 200,
  identityHoldMs: 60_000,
  cursorOnlyMs: 1000,
  pingMs: 30_000,
  retry: { firstMs: 250, maxMs: 30_000 },
}
const CLOSE_MS = 2000
const IDLE = {
  connected: false,
  lastSeq: undefined,
  queued: 0,
  queuedBytes: 0,
  lastEventAt: undefined,
}

/**
 * Follows `com.atproto.sync.subscribeRepos` of one host: verifies all commits of accounts in scope
 * and hands events to the sink in the host's order. Nothing is skipped: while the sink throws, the
 * same batch is tried again and the socket is not read.
 */
export function startSubscription(options: SubscriptionOptions): Subscription {
  const stop = new AbortController()
  const limits = { ...DEFAULTS, ...options.limits }
  const log = options.log.child({ host: options.host })
  let pipeline: Pipeline | undefined

  async function run(): Promise<void> {
    const cursor = await readCursor(options.cursor, {
      retry: limits.retry,
      log,
      signal: stop.signal,
    })
    if (stop.signal.aborted) return
    pipeline = new Pipeline({ ...options, log, limits, signal: stop.signal, start: cursor })
    await pipeline.run()
  }

  const done = run().catch((error: unknown) => {
    log.fatal({ err: error }, 'a subscription has ended by itself')
  })
  return {
    state: () => pipeline?.state() ?? IDLE,
    async close() {
      stop.abort()
      const enough = new AbortController()
      await Promise.race([done, sleep(CLOSE_MS, enough.signal)])
      enough.abort()
    },
  }
}

async function readCursor(
  read: () => Promise<number | undefined>,
  how: { retry: Backoff; log: Log; signal: AbortSignal },
): Promise<number | undefined> {
  for (let attempt = 0; !how.signal.aborted; attempt += 1) {
    try {
      return await read()
    } catch (error) {
      how.log.error({ attempt, err: error }, 'the stored cursor cannot be read')
      await backOff(how.retry, attempt, how.signal)
    }
  }
  return undefined
}
