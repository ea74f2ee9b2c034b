import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import type { CallOutcome } from './call-service.ts'

/** What waits to be told to others, kept in a table so that no crash loses it. */
export type Queue<R extends Parcel> = {
  readonly name: string
  /** Takes parcels that are due, so that nobody else does for a while. */
  claim(now: Date, until: Date): Promise<R[]>
  send(parcel: R): Promise<CallOutcome>
  /** Removes it, unless it has changed since it was claimed: then it is due again at once. */
  done(parcel: R): Promise<void>
  /** Puts it off. */
  later(parcel: R, at: Date, reason: string): Promise<void>
  /** When the next one is due; undefined while nothing waits. */
  nextAt(): Promise<Date | undefined>
}

/** Something to be told, how often that has been tried, and when it is given up. */
export type Parcel = { attempts: number; until: Date }

/** Something that works by itself until it is closed, and sooner when it is woken. */
export type Worker = AsyncDisposable & { readonly wake: () => void }

const FIRST_MS = 2_000
const LONGEST_MS = 3_600_000
/** Longer than a call takes; a parcel of a process that was killed is taken up again after it. */
const CLAIM_MS = 60_000
const IDLE_MS = 60_000
const BROKEN_MS = 5_000

/** Delivers what waits in a queue, at least once, later and later while it does not get through. */
export function startDelivery<R extends Parcel>(
  queue: Queue<R>,
  { timers, log }: { timers: Timers; log: Log },
): Worker {
  const stop = new AbortController()
  let nap = new AbortController()
  let woken = false
  const run = async () => {
    while (!stop.signal.aborted) {
      woken = false
      const wait = await round(queue, { timers, log, stopped: stop.signal }).catch(
        (error: unknown) => {
          log.error(
            { err: error, queue: queue.name },
            'notices to other hosts wait for the database',
          )
          return BROKEN_MS
        },
      )
      if (woken || stop.signal.aborted) continue
      nap = new AbortController()
      await timers.sleep(wait, nap.signal)
    }
  }
  const running = run()
  const wake = () => {
    woken = true
    nap.abort()
  }
  return {
    wake,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      wake()
      await running
    },
  }
}

type How = { timers: Timers; log: Log; stopped: AbortSignal }

/** Sends everything that is due; answers how long there is nothing to do. */
async function round<R extends Parcel>(queue: Queue<R>, how: How): Promise<number> {
  for (;;) {
    const now = how.timers.now()
    const parcels = await queue.claim(now, new Date(now.getTime() + CLAIM_MS))
    if (parcels.length === 0 || how.stopped.aborted) break
    await Promise.all(parcels.map((parcel) => deliver(queue, parcel, how)))
  }
  const next = await queue.nextAt()
  if (!next) return IDLE_MS
  return Math.min(IDLE_MS, Math.max(0, next.getTime() - how.timers.now().getTime()) + 1)
}

async function deliver<R extends Parcel>(queue: Queue<R>, parcel: R, how: How): Promise<void> {
  const { timers, log } = how
  const outcome = await queue.send(parcel).catch((error: unknown): CallOutcome => {
    log.error({ err: error, queue: queue.name }, 'a notice could not be made')
    return { kind: 'later', reason: 'InternalError' }
  })
  if (outcome.kind === 'done') return queue.done(parcel)
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(parcel.attempts, 20))
  const at = new Date(timers.now().getTime() + ceiling * (0.5 + timers.random() / 2))
  if (outcome.kind === 'later' && at < parcel.until) return queue.later(parcel, at, outcome.reason)
  log.info({ queue: queue.name, reason: outcome.reason }, 'a notice to another host was given up')
  return queue.done(parcel)
}
