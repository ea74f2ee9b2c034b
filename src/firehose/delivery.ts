import { type Log } from '../log.ts'
import { type Backoff, backOff } from './backoff.ts'
import { type FirehoseEvent, type Sink } from './event.ts'
import { createLatch } from './latch.ts'

export type DeliveryOptions = {
  host: string
  sink: Sink
  /** most events in one call of the sink */
  batch: number
  /** a batch without events, only to move the cursor, is sent no more often */
  cursorOnlyMs: number
  retry: Backoff
  signal: AbortSignal
  log: Log
  onDelivered: (count: number, bytes: number) => void
}

/** Hands events to one sink in order and in batches; while it throws, nothing is lost or passed. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #changed = createLatch()
  readonly #roomy = createLatch()
  #events: FirehoseEvent[] = []
  #bytes = 0
  #cursor = -1
  #sent = -1

  constructor(options: DeliveryOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => {
      this.#changed.open()
      this.#roomy.open()
    })
  }

  /** Waits for room, then queues an event that takes `bytes` of the window. */
  async push(event: FirehoseEvent, bytes: number): Promise<void> {
    const { batch, signal } = this.#options
    while (this.#events.length >= batch && !signal.aborted) await this.#roomy.wait()
    this.#events.push(event)
    this.#bytes += bytes
    this.#cursor = event.seq
    this.#changed.open()
  }

  /** Notes that everything up to this sequence number has been queued or has no effect. */
  advance(cursor: number): void {
    const idle = this.#cursor === this.#sent && this.#events.length === 0
    this.#cursor = cursor
    if (idle) this.#changed.open()
  }

  /** Runs until `signal` aborts and the call of the sink that was on its way has settled. */
  async run(): Promise<void> {
    const { signal, cursorOnlyMs } = this.#options
    while (!signal.aborted) {
      if (this.#events.length > 0) await this.#send()
      else if (this.#cursor === this.#sent) await this.#changed.wait()
      else {
        const timer = setTimeout(this.#changed.open, cursorOnlyMs)
        await this.#changed.wait()
        clearTimeout(timer)
        await this.#send()
      }
    }
  }

  async #send(): Promise<void> {
    const { host, sink, signal, retry, log, onDelivered } = this.#options
    const batch = { host, events: this.#events, cursor: this.#cursor }
    const bytes = this.#bytes
    this.#events = []
    this.#bytes = 0
    this.#roomy.open()
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await sink(batch)
        this.#sent = batch.cursor
        onDelivered(batch.events.length, bytes)
        return
      } catch (error) {
        log.error({ cursor: batch.cursor, attempt, err: error }, 'the sink has not taken a batch')
        await backOff(retry, attempt, signal)
      }
    }
  }
}
