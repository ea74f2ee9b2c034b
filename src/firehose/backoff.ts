import { setTimeout as wait } from 'node:timers/promises'

/** Waiting times in milliseconds: the first one, doubled each time, never above the largest. */
export type Backoff = { firstMs: number; maxMs: number }

/**
 * Sleeps before attempt `attempt` (from 0): a random part of the doubled time, so that many clients
 * of one host do not come back at once. Ends early and quietly when `signal` aborts.
 */
export async function backOff(times: Backoff, attempt: number, signal: AbortSignal): Promise<void> {
  const ceiling = Math.min(times.maxMs, times.firstMs * 2 ** Math.min(attempt, 30))
  await sleep(ceiling * (0.5 + Math.random() / 2), signal)
}

/** Sleeps; ends early and quietly when `signal` aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => undefined)
}
