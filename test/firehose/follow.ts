import { systemTimers } from '../../src/clock.ts'
import { type FirehoseEvent } from '../../src/firehose/event.ts'
import { openSocket } from '../../src/firehose/socket.ts'
import { type Batch } from '../../src/firehose/store.ts'
import { type Subscription, startSubscription } from '../../src/firehose/subscribe.ts'
import { type SubscriptionOptions } from '../../src/firehose/subscription-options.ts'
import { inlineVerifier } from '../../src/firehose/verifier.ts'
import { silentLog } from '../../src/log.ts'
import { type FakeRepo } from './fake-repo.ts'

/** A subscription of a test, with what its sink has taken. */
export type Followed = {
  events: FirehoseEvent[]
  /** the cursor of each batch taken */
  cursors: number[]
  batches: number[]
  subscription: Subscription
  [Symbol.asyncDispose](): Promise<void>
}

const FAST = { retry: { firstMs: 10, maxMs: 50 }, cursorOnlyMs: 50 }

/** Follows a host for some repos from the beginning, with short waiting times. */
export function follow(
  service: string,
  repos: FakeRepo[],
  options: Partial<SubscriptionOptions> = {},
): Followed {
  const known = new Map(repos.map((repo) => [repo.did, repo.identity()]))
  const events: FirehoseEvent[] = []
  const cursors: number[] = []
  const batches: number[] = []
  const keep = async (batch: Batch) => {
    await options.sink?.(batch)
    events.push(...batch.events)
    if (batch.cursor !== undefined) cursors.push(batch.cursor)
    batches.push(batch.events.length)
  }
  const subscription = startSubscription({
    host: 'host.test',
    kind: 'pds',
    service,
    cursor: async () => undefined,
    from: 'beginning',
    inScope: (did) => known.has(did),
    authoritative: () => true,
    homeOf: async () => undefined,
    verifier: inlineVerifier({ collections: 'co.kendev.' }),
    resolver: { resolve: async (did) => known.get(did) },
    connect: openSocket,
    timers: systemTimers,
    log: silentLog,
    ...options,
    limits: { ...FAST, ...options.limits },
    sink: keep,
  })
  return {
    events,
    cursors,
    batches,
    subscription,
    [Symbol.asyncDispose]: () => subscription.close(),
  }
}
