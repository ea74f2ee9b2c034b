import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Backoff, pause, persist } from '../pacing/backoff.ts'
import type { FirehoseEvent } from './event.ts'
import type { Arrival } from './intake.ts'
import { createLatch } from '../pacing/latch.ts'
import { createLowWater } from './low-water.ts'
import type { Batch } from './store.ts'

export type DeliveryOptions = {
  host: string
  sink: (batch: Batch) => Promise<void>
  /** most events in one call of the sink */
  batch: number
  /** a batch without events, only to move the cursor, is sent no more often */
  cursorOnlyMs: number
  retry: Backoff
  signal: AbortSignal
  timers: Timers
  log: Log
  /** an arrival needs no room any more */
  release: (count: number, bytes: number) => void
}

type Ready = { arrival: Arrival; event: FirehoseEvent }

/** Hands events to one sink in batches, as they become ready. While the sink throws, nothing is
 *  lost or passed. The cursor never goes beyond an arrival that is not done with. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #changed = createLatch()
  #lowWater = createLowWater<Arrival>()
  #sending: Promise<void> = Promise.resolve()
  #ready: Ready[] = []
  #sent: number | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
    options.signal.addEventListener('abort', this.#changed.open)
  }

  /** Notes an arrival in the order of the host. */
  expect(arrival: Arrival): void {
    this.#lowWater.begin(arrival, arrival.seq)
  }

  /** The host counts anew: numbers of before move no cursor any more, once this has settled. */
  async restart(): Promise<void> {
    this.#lowWater = createLowWater()
    await this.#sending
    this.#sent = undefined
  }

  /** An arrival is judged; without an event it only lets the cursor go on. */
  settle(arrival: Arrival, event: FirehoseEvent | undefined): void {
    const idle = this.#ready.length === 0 && this.#lowWater.mark === this.#sent
    if (event !== undefined) this.#ready.push({ arrival, event })
    else {
      this.#lowWater.end(arrival)
      this.#options.release(1, arrival.frame.length)
    }
    if (idle || event !== undefined) this.#changed.open()
  }

  /** Runs until `signal` aborts and the call of the sink that was on its way has settled. */
  async run(): Promise<void> {
    const { signal, cursorOnlyMs, timers } = this.#options
    while (!signal.aborted) {
      if (this.#ready.length > 0) await (this.#sending = this.#send())
      else if (this.#lowWater.mark === this.#sent) await this.#changed.wait()
      else {
        await pause(this.#changed.wait(), cursorOnlyMs, timers)
        await (this.#sending = this.#send())
      }
    }
  }

  async #send(): Promise<void> {
    const { host, sink, batch: most, log, release } = this.#options
    const taken = this.#ready.splice(0, most)
    for (const { arrival } of taken) this.#lowWater.end(arrival)
    const cursor = this.#lowWater.mark
    const moved = cursor !== undefined && cursor !== this.#sent
    const batch = { host, events: taken.map(({ event }) => event), ...(moved && { cursor }) }
    const failed = (err: unknown, attempt: number) =>
      log.error({ cursor, attempt, err }, 'the sink has not taken a batch')
    const stored = await persist(
      async () => {
        await sink(batch)
        return true
      },
      { ...this.#options, failed },
    )
    if (!stored) return
    this.#sent = cursor
    const bytes = taken.reduce((sum, { arrival }) => sum + arrival.frame.length, 0)
    if (taken.length > 0) release(taken.length, bytes)
  }
}
