import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { FEED_CHANNEL } from './feed.ts'

/** A connection of its own, which Postgres tells whose feed has grown. */
type Client = {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<void>
  on(event: 'notification', listener: (message: { payload?: string }) => void): unknown
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown
}

/** Lets readers of live feeds sleep until there is something new, in any process of the node. */
export type FeedListener = {
  /** Resolves when the owner's feed may have grown since the call, or the signal aborts. */
  grown(owner: string, signal: AbortSignal): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Listens on the feed channel. While the connection is lost and made again everybody is woken
 *  once, so that nothing told in between is missed. */
export function listenToFeeds(options: { connect: () => Client; log: Log }): FeedListener {
  const { connect, log } = options
  const waiting = new Map<string, Set<() => void>>()
  const stopped = new AbortController()
  const wake = (owner: string) => {
    const waiters = waiting.get(owner)
    waiting.delete(owner)
    for (const waiter of waiters ?? []) waiter()
  }
  const run = async () => {
    for (let failures = 0; !stopped.signal.aborted; failures++) {
      try {
        await listenOnce(connect(), wake, stopped.signal, () => {
          failures = 0
          for (const owner of waiting.keys()) wake(owner)
        })
      } catch (error) {
        log.warn({ err: error }, 'lost the connection that tells of new messages; trying again')
      }
      const pause = Math.min(100 * 2 ** failures, 5_000)
      await sleep(pause, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    grown: (owner, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (signal.aborted) return Promise.resolve()
      waiting.set(owner, (waiting.get(owner) ?? new Set()).add(resolve))
      // Taken off again: a reader waits under the same signal for every message of its life.
      const aborted = () => resolve()
      signal.addEventListener('abort', aborted)
      return promise.finally(() => {
        signal.removeEventListener('abort', aborted)
        const waiters = waiting.get(owner)
        waiters?.delete(resolve)
        if (waiters?.size === 0) waiting.delete(owner)
      })
    },
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      for (const owner of waiting.keys()) wake(owner)
      await running
    },
  }
}

async function listenOnce(
  client: Client,
  wake: (owner: string) => void,
  stop: AbortSignal,
  listening: () => void,
): Promise<void> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  ended.catch(() => undefined)
  client.on('error', (error) => reject(error ?? new Error('connection lost')))
  client.on('end', () => resolve())
  client.on('notification', ({ payload }) => wake(payload ?? ''))
  const end = () => void client.end().catch(() => undefined)
  stop.addEventListener('abort', end, { once: true })
  try {
    await client.connect()
    await client.query(`listen ${FEED_CHANNEL}`)
    listening()
    await ended
  } finally {
    stop.removeEventListener('abort', end)
    await client.end().catch(() => undefined)
  }
}
