import type { Timers } from '../clock.ts'

/** Makes `take`, which waits while more than `perSecond` were taken in the last second. A burst of
 *  one second's worth passes at once. */
export function createTokenBucket(
  perSecond: number,
  timers: Timers,
): (signal: AbortSignal) => Promise<void> | undefined {
  let tokens = perSecond
  let at = timers.now().getTime()

  function refill(): void {
    const now = timers.now().getTime()
    tokens = Math.min(perSecond, tokens + ((now - at) / 1000) * perSecond)
    at = now
  }

  return (signal) => {
    if (tokens < 1) refill()
    tokens -= 1
    return tokens >= 0 ? undefined : timers.sleep((-tokens / perSecond) * 1000, signal)
  }
}
