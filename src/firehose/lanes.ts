import type { Timers } from '../clock.ts'
import type { FirehoseEvent } from './event.ts'
import type { Arrival } from './intake.ts'
import { createLatch } from '../pacing/latch.ts'
import type { Lookup } from './lookup.ts'

/** How much of one account may wait until it can be said who that is. */
export type LaneLimits = {
  identityHoldMs: number
  laneFrames: number
  laneBytes: number
}

export type LanesOptions = {
  lookup: Pick<Lookup, 'waitingSince' | 'giveUp'>
  limits: LaneLimits
  timers: Timers
  signal: AbortSignal
  /** Never rejects; an answer after `signal` has aborted counts for nothing. */
  judge: (arrival: Arrival) => Promise<FirehoseEvent | undefined>
  /** What is told of an account that is let go; never rejects. */
  lose: (last: Arrival) => Promise<FirehoseEvent | undefined>
  /** Called once for every arrival; for those of one account in their order. */
  done: (arrival: Arrival, event: FirehoseEvent | undefined) => void
  /** whether reading has stopped because too much is on the way */
  isFull: () => boolean
}

type Lane = {
  did: string
  pending: Arrival[]
  bytes: number
  /** settles when the last arrival is done */
  settled: Promise<void>
  /** settles when the last arrival that may change who the account is, is done */
  barrier: Promise<void>
  gone: boolean
}

/** How often waiting accounts are looked at, and how long a lane may be too long, in ms. */
const LOOK_MS = 250
const GRACE_MS = 100

/** The accounts of one host, each in its own order and none waiting for another. Commits of an
 *  account are judged side by side and told in their order; those after an `#identity` or
 *  `#account` begin when that has been judged. */
export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #opened = createLatch()

  constructor(options: LanesOptions) {
    this.#options = options
    options.signal.addEventListener('abort', this.#opened.open)
  }

  /** Takes the next arrival of an account. */
  submit(did: string, arrival: Arrival): void {
    const { judge, timers } = this.#options
    const lane = this.#lanes.get(did) ?? this.#open(did)
    lane.pending.push(arrival)
    lane.bytes += arrival.frame.length
    if (this.#isOver(lane, timers.now().getTime(), false)) return void this.#letGo(lane)
    const alone = changesIdentity(arrival)
    const begin = alone ? lane.settled : lane.barrier
    const verdict = begin.then(() => (lane.gone ? undefined : judge(arrival)))
    lane.settled = Promise.all([verdict, lane.settled]).then(([event]) =>
      this.#settle(lane, arrival, event),
    )
    if (alone) lane.barrier = lane.settled
  }

  /** Lets go accounts that wait too long; ends when the signal aborts. */
  async watch(): Promise<void> {
    const { signal, timers, isFull } = this.#options
    while (!signal.aborted) {
      if (this.#lanes.size === 0) await this.#opened.wait()
      await timers.sleep(LOOK_MS, signal)
      const now = timers.now().getTime()
      // Those that wait longest make room first; a Map iterates in the order of opening.
      for (const lane of this.#lanes.values())
        if (this.#isOver(lane, now, isFull())) await this.#letGo(lane)
    }
  }

  #open(did: string): Lane {
    const settled = Promise.resolve()
    const lane = { did, pending: [], bytes: 0, settled, barrier: settled, gone: false }
    this.#lanes.set(did, lane)
    if (this.#lanes.size === 1) this.#opened.open()
    return lane
  }

  #settle(lane: Lane, arrival: Arrival, event: FirehoseEvent | undefined): void {
    const { signal, done } = this.#options
    if (lane.gone || signal.aborted) return
    lane.pending.shift()
    lane.bytes -= arrival.frame.length
    if (lane.pending.length === 0) this.#lanes.delete(lane.did)
    done(arrival, event)
  }

  #isOver(lane: Lane, now: number, hurry: boolean): boolean {
    const { lookup, limits } = this.#options
    const since = lookup.waitingSince(lane.did)
    if (since === undefined) return false
    const { identityHoldMs, laneFrames, laneBytes } = limits
    const long = lane.pending.length > laneFrames || lane.bytes > laneBytes
    return now - since >= (hurry || long ? Math.min(GRACE_MS, identityHoldMs) : identityHoldMs)
  }

  async #letGo(lane: Lane): Promise<void> {
    const { lookup, lose, done, signal } = this.#options
    lane.gone = true
    this.#lanes.delete(lane.did)
    lookup.giveUp(lane.did)
    const last = lane.pending.at(-1)
    const event = last && (await lose(last))
    if (signal.aborted) return
    for (const arrival of lane.pending) done(arrival, arrival === last ? event : undefined)
  }
}

function changesIdentity({ content }: Arrival): boolean {
  if (content.kind !== 'message') return false
  return content.message.kind === 'identity' || content.message.kind === 'account'
}
