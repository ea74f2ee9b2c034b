import { pause, persist } from '../pacing/backoff.ts'
import { Pipeline } from './pipeline.ts'
import type {
  SubscriptionLimits,
  SubscriptionOptions,
  SubscriptionState,
} from './subscription-options.ts'

/** A host being followed. `close` settles within seconds, whatever host and sink do. */
export type Subscription = {
  state(): SubscriptionState
  close(): Promise<void>
}

const DEFAULTS: SubscriptionLimits = {
  queued: 4000,
  queuedBytes: 64_000_000,
  batch: 1000,
  framesPerSecond: 10_000,
  identityHoldMs: 10_000,
  laneFrames: 250,
  laneBytes: 16_000_000,
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
 * and hands events to the sink, those of one account in the host's order. No account waits for
 * another, and the cursor for all of them. Nothing is skipped: while the sink throws, the same
 * batch is tried again and the socket is not read; an account that nobody can identify for
 * `identityHoldMs` is told as lost.
 */
export function startSubscription(options: SubscriptionOptions): Subscription {
  const stop = new AbortController()
  const { signal } = stop
  const limits = { ...DEFAULTS, ...options.limits }
  const log = options.log.child({ host: options.host })
  let pipeline: Pipeline | undefined

  async function run(): Promise<void> {
    const failed = (err: unknown, attempt: number) =>
      log.error({ attempt, err }, 'the stored cursor cannot be read')
    const { timers } = options
    const start = await persist(options.cursor, { timers, signal, retry: limits.retry, failed })
    if (signal.aborted) return
    pipeline = new Pipeline({ ...options, log, limits, signal, start })
    await pipeline.run()
  }

  const done = run().catch((error: unknown) => {
    log.fatal({ err: error }, 'a subscription has ended by itself')
  })
  return {
    state: () => pipeline?.state() ?? IDLE,
    async close() {
      stop.abort()
      await pause(done, CLOSE_MS, options.timers)
    },
  }
}
