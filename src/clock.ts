import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'

/** Where time comes from. Everything that needs "now" is handed one, so that tests decide it. */
export type Clock = { now(): Date }

/** A clock that can also be waited by. A simulated one lets no real time pass. */
export type Timers = Clock & {
  /** Waits `ms` milliseconds; ends early and quietly when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Lets the rest of the process run before more of a long piece of work is done. */
  breathe(): Promise<void>
  /** A number from 0 to below 1, to spread what would otherwise happen all at once. */
  random(): number
}

/** The machine's own time. */
export const systemClock: Clock = { now: () => new Date() }

/** The machine's own time and chance. */
export const systemTimers: Timers = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal && { signal }).catch(() => undefined),
  breathe: () => nextTurn(),
  random: Math.random,
}
