import { persist } from '../pacing/backoff.ts'
import { Delivery } from './delivery.ts'
import type { FirehoseEvent } from './event.ts'
import type { Frame } from './frame.ts'
import { type Arrival, type Intake, createIntake } from './intake.ts'
import { Lanes } from './lanes.ts'
import { createLookup } from './lookup.ts'
import { type Reader, createReader } from './reader.ts'
import { streamUrl } from './stream-url.ts'
import type {
  SubscriptionLimits,
  SubscriptionOptions,
  SubscriptionState,
} from './subscription-options.ts'
import { createTokenBucket } from './token-bucket.ts'
import { type VerdictOptions, lostOrRefused, verdictOn } from './verdict.ts'
import { type Window, createWindow } from './window.ts'

export type PipelineOptions = Omit<SubscriptionOptions, 'limits' | 'cursor'> & {
  limits: SubscriptionLimits
  /** the stored cursor */
  start: number | undefined
  signal: AbortSignal
}

/** Frames begun before the rest of the process has its turn. */
const RUN = 16

/** Socket, intake, lanes and delivery of one host. */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #window: Window
  readonly #intake: Intake
  readonly #reader: Reader
  readonly #delivery: Delivery
  readonly #lanes: Lanes
  readonly #verdict: VerdictOptions
  #lastEventAt: Date | undefined
  /** a gap that is not noted yet; what comes after it must not move the cursor beyond it */
  #gap: Promise<void> | undefined

  constructor(options: PipelineOptions) {
    const { limits, signal, timers } = options
    this.#options = options
    const bounds = { count: limits.queued, bytes: limits.queuedBytes }
    this.#window = createWindow(bounds, (full) => this.#reader.setPaused(full))
    this.#intake = createIntake({
      window: this.#window,
      signal,
      seq: options.start,
      onNote: (note) => this.#note(note),
    })
    const lookup = createLookup({ ...options, ...limits, holdMs: limits.identityHoldMs })
    this.#verdict = { ...options, lookup }
    this.#delivery = new Delivery({ ...options, ...limits, release: this.#window.release })
    this.#lanes = new Lanes({
      lookup,
      limits,
      timers,
      signal,
      judge: (arrival) => this.#settled(arrival, () => verdictOn(arrival, this.#verdict)),
      lose: (last) => this.#settled(last, () => lostOrRefused(last, didOf(last), this.#verdict)),
      done: (arrival, event) => this.#delivery.settle(arrival, event),
      isFull: () => this.#window.full,
    })
    this.#reader = createReader({
      ...limits,
      ...options,
      url: () => this.#nextUrl(),
      ready: async () => this.#gap,
      publicOnly: options.publicOnly ?? false,
      onMessage: (bytes) => this.#accept(bytes),
    })
  }

  /** Settles when `signal` has aborted and the sink is idle. */
  async run(): Promise<void> {
    const parts = [this.#reader.run(), this.#route(), this.#lanes.watch(), this.#delivery.run()]
    await Promise.all(parts)
  }

  /** How the host is doing now. */
  state(): SubscriptionState {
    return {
      connected: this.#reader.connected,
      lastSeq: this.#intake.seq,
      queued: this.#window.count,
      queuedBytes: this.#window.bytes,
      lastEventAt: this.#lastEventAt,
    }
  }

  #nextUrl(): URL {
    const { service, from } = this.#options
    return streamUrl(service, this.#intake.seq ?? (from === 'beginning' ? 0 : undefined))
  }

  #accept(bytes: Uint8Array): void {
    this.#lastEventAt = this.#options.timers.now()
    this.#intake.accept(bytes)
  }

  #note(note: Extract<Frame, { kind: 'info' | 'error' }>): void {
    const { log, host, onGap } = this.#options
    const { name, detail } = note
    log.warn({ kind: note.kind, name, detail }, 'a note from the host')
    if (name !== 'OutdatedCursor' && name !== 'FutureCursor') return
    if (name === 'FutureCursor') this.#intake.reset()
    const failed = (err: unknown) => log.error({ err }, 'a gap cannot be noted now')
    const retry = this.#options.limits.retry
    const isNew = name === 'FutureCursor'
    const noted = async () => {
      // What is stored of the old numbers is taken back after the last of them was.
      if (isNew) await this.#delivery.restart()
      await onGap?.({ host, reason: name })
    }
    const before = this.#gap ?? Promise.resolve()
    const gap = before.then(() => persist(noted, { ...this.#options, retry, failed }))
    this.#gap = gap
    void gap.then(() => {
      if (this.#gap === gap) this.#gap = undefined
    })
  }

  /** Sends every arrival on its way; those without an account of interest are done at once. */
  async #route(): Promise<void> {
    const { timers, signal, limits } = this.#options
    const take = createTokenBucket(limits.framesPerSecond, timers)
    for (let n = 1; ; n += 1) {
      const arrival = await this.#intake.next()
      if (arrival === undefined) return
      const full = take(signal)
      if (full) await full
      if (this.#gap) await this.#gap
      if (arrival.era === this.#intake.era) this.#delivery.expect(arrival)
      const did = didOf(arrival)
      if (did === '') await this.#judgeNow(arrival)
      else if (this.#options.inScope(did, messageOf(arrival)) === false)
        this.#delivery.settle(arrival, undefined)
      else this.#lanes.submit(did, arrival)
      if (n % RUN === 0) await timers.breathe()
    }
  }

  async #judgeNow(arrival: Arrival): Promise<void> {
    const event = await this.#settled(arrival, () => verdictOn(arrival, this.#verdict))
    if (!this.#options.signal.aborted) this.#delivery.settle(arrival, event)
  }

  /** Tried again while something of ours is broken: a skip is a loss. */
  #settled(
    { seq }: Arrival,
    work: () => Promise<FirehoseEvent | undefined>,
  ): Promise<FirehoseEvent | undefined> {
    const failed = (err: unknown, attempt: number) =>
      this.#options.log.error({ seq, attempt, err }, 'a message cannot be judged now')
    return persist(work, { ...this.#options, retry: this.#options.limits.retry, failed })
  }
}

function messageOf({ content }: Arrival) {
  return content.kind === 'message' ? content.message : undefined
}

/** Whom an arrival is about; empty when it is about nobody that can be read. */
function didOf({ content }: Arrival): string {
  if (content.kind === 'message') return content.message.did
  return content.kind === 'refused' ? content.did : ''
}
