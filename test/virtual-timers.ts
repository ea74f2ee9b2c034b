import { setImmediate as turn } from 'node:timers/promises'
import type { Timers } from '../src/clock.ts'

/** Time that passes only when a test says so. */
export type VirtualTimers = Timers & {
  /** Lets so many milliseconds pass, and all that waits for them run. */
  pass(ms: number): Promise<void>
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>
}

const TURNS = 40

/** Makes a time that begins at `start`; chance is always in the middle. */
export function virtualTimers(start: Date): VirtualTimers {
  let now = start.getTime()
  const sleeping = new Set<{ at: number; wake: () => void }>()
  const settle = async () => {
    for (let n = 0; n < TURNS; n += 1) await turn()
  }
  return {
    now: () => new Date(now),
    random: () => 0.5,
    breathe: () => turn(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = { at: now + ms, wake: resolve }
        sleeping.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleeping.delete(sleeper)
          resolve()
        })
      }),
    settle,
    async pass(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const [next] = [...sleeping].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (!next) break
        now = Math.max(now, next.at)
        sleeping.delete(next)
        next.wake()
        await settle()
      }
      now = end
      await settle()
    },
  }
}
