import type { Timers } from '../clock.ts'

/** Waiting times in milliseconds: the first one, doubled each time, never above the largest. */
export type Backoff = { firstMs: number; maxMs: number }

/** What waiting needs; it ends early and quietly when `signal` aborts. */
export type Waiting = { timers: Timers; signal: AbortSignal }

/**
 * Sleeps before attempt `attempt` (from 0): a random part of the doubled time, so that many clients
 * of one host do not come back at once.
 */
export async function backOff(times: Backoff, attempt: number, how: Waiting): Promise<void> {
  const ceiling = Math.min(times.maxMs, times.firstMs * 2 ** Math.min(attempt, 30))
  await how.timers.sleep(ceiling * (0.5 + how.timers.random() / 2), how.signal)
}

/** When to try again after so many failures before (from 0), spread in the same way. */
export function retryTime(times: Backoff, failures: number, timers: Timers): Date {
  const ms = Math.min(times.maxMs, times.firstMs * 2 ** Math.min(failures, 30))
  return new Date(timers.now().getTime() + ms * (0.5 + timers.random() / 2))
}

/** Settles when `woken` has, or after `ms`, whichever is first; no timer is left behind. */
export async function pause(woken: Promise<void>, ms: number, timers: Timers): Promise<void> {
  const enough = new AbortController()
  await Promise.race([woken, timers.sleep(ms, enough.signal)])
  enough.abort()
}

/** Calls `work` until it succeeds, waiting longer each time; undefined when `signal` aborts first.
 *  For what must not be skipped because storage or a host is away for a while. */
export async function persist<T>(
  work: () => Promise<T>,
  how: Waiting & { retry: Backoff; failed: (error: unknown, attempt: number) => void },
): Promise<T | undefined> {
  for (let attempt = 0; !how.signal.aborted; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (how.signal.aborted) return undefined
      how.failed(error, attempt)
      await backOff(how.retry, attempt, how)
    }
  }
  return undefined
}
