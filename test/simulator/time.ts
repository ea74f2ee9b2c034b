import type { Timers } from '../../src/clock.ts'

/** One life of the consumer: once it has ended, nothing that it waits for ever comes. */
export type Life = { alive: boolean }

/** Time that only passes when everybody waits, so that a run is the same run every time. */
export type World = {
  /** virtual milliseconds since 1970 */
  readonly now: number
  /** Runs `act` after `ms`; of two at one moment the one told first is first. */
  after(ms: number, act: () => void): void
  /** The same for a life: nothing happens when it has ended by then. */
  afterIn(life: Life, ms: number, act: () => void): void
  /** Settles after `ms`, or never when the life has ended by then. */
  wait(life: Life, ms: number): Promise<void>
  /** Lets time pass up to `until`, step by step, or until so many steps were made in all. A step
   *  that throws ends it. */
  run(until: number, stepsMax: number): Promise<void>
  /** steps made so far */
  readonly steps: number
}

type Step = { at: number; order: number; act: () => void }

/** Makes a world whose time begins at `start`. */
export function createWorld(start: number): World {
  const queue: Step[] = []
  let now = start
  let order = 0
  let steps = 0

  function after(ms: number, act: () => void): void {
    push(queue, { at: now + Math.max(0, Math.round(ms)), order: order++, act })
  }

  function afterIn(life: Life, ms: number, act: () => void): void {
    after(ms, () => {
      if (life.alive) act()
    })
  }

  return {
    get now() {
      return now
    },
    get steps() {
      return steps
    },
    after,
    afterIn,
    wait: (life, ms) => new Promise((resolve) => afterIn(life, ms, resolve)),
    async run(until, stepsMax) {
      await settle()
      for (;;) {
        const next = queue[0]
        if (next === undefined || next.at > until || steps >= stepsMax) break
        pop(queue)
        now = next.at
        steps += 1
        next.act()
        await settle()
      }
      now = until
    },
  }
}

/** Timers of one life in a world. */
export function timersOf(world: World, life: Life, random: () => number): Timers {
  return {
    now: () => new Date(world.now),
    random,
    breathe: () => world.wait(life, 0),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        signal?.addEventListener('abort', () => resolve(), { once: true })
        world.afterIn(life, ms, resolve)
      }),
  }
}

/** Every microtask has run when the event loop comes round. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function isBefore(a: Step, b: Step): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** The queue is a binary heap: `queue[0]` is the next step. */
function push(queue: Step[], step: Step): void {
  let at = queue.push(step) - 1
  while (at > 0) {
    const up = (at - 1) >> 1
    if (!isBefore(step, queue[up]!)) break
    queue[at] = queue[up]!
    at = up
  }
  queue[at] = step
}

function pop(queue: Step[]): void {
  const step = queue.pop()!
  if (queue.length === 0) return
  let at = 0
  for (;;) {
    let down = at * 2 + 1
    if (down + 1 < queue.length && isBefore(queue[down + 1]!, queue[down]!)) down += 1
    if (down >= queue.length || !isBefore(queue[down]!, step)) break
    queue[at] = queue[down]!
    at = down
  }
  queue[at] = step
}
