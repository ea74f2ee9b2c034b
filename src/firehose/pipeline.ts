import { setImmediate as breathe } from 'node:timers/promises'
import { backOff } from './backoff.ts'
import { Delivery } from './delivery.ts'
import { type FirehoseEvent } from './event.ts'
import { type Frame } from './frame.ts'
import { type Arrival, type Intake, createIntake } from './intake.ts'
import { type Rules, judge } from './judge.ts'
import { createLookup } from './lookup.ts'
import { type Message } from './message.ts'
import { type Reader, createReader } from './reader.ts'
import { streamUrl } from './stream-url.ts'
import {
  type SubscriptionLimits,
  type SubscriptionOptions,
  type SubscriptionState,
} from './subscription-options.ts'
import { type Window, createWindow } from './window.ts'

export type PipelineOptions = Omit<SubscriptionOptions, 'limits' | 'cursor'> & {
  limits: SubscriptionLimits
  /** the stored cursor */
  start: number | undefined
  signal: AbortSignal
}

/** Other work of the process waits about this long, in ms, for a run of verifications. */
const SLICE_MS = 10
const MAX_WAITING = 10_000
const OURS = (nsid: string): boolean => nsid.startsWith('co.kendev.')

/** Socket, intake, judge and delivery of one host. */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #window: Window
  readonly #intake: Intake
  readonly #reader: Reader
  readonly #delivery: Delivery
  readonly #rules: Rules
  readonly #resolvedAhead = new Set<string>()
  #lastEventAt: Date | undefined

  constructor(options: PipelineOptions) {
    const { limits, signal } = options
    this.#options = options
    const bounds = { count: limits.queued, bytes: limits.queuedBytes }
    this.#window = createWindow(bounds, (full) => this.#reader.setPaused(full))
    this.#intake = createIntake({
      window: this.#window,
      signal,
      seq: options.start,
      onWaiting: (message) => this.#resolveAhead(message),
      onNote: (note) => this.#note(note),
    })
    const lookup = createLookup({ ...options, ...limits, holdMs: limits.identityHoldMs })
    this.#rules = { ...options, lookup, collections: options.collections ?? OURS }
    const onDelivered = this.#window.release
    this.#delivery = new Delivery({ ...options, ...limits, onDelivered })
    this.#reader = createReader({
      ...limits,
      url: () => this.#nextUrl(),
      publicOnly: options.publicOnly ?? false,
      signal,
      log: options.log,
      onMessage: (bytes) => this.#accept(bytes),
    })
  }

  /** Settles when `signal` has aborted and the sink is idle. */
  async run(): Promise<void> {
    await Promise.all([this.#reader.run(), this.#judgeAll(), this.#delivery.run()])
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
    this.#lastEventAt = this.#options.clock.now()
    this.#intake.accept(bytes)
  }

  #note(note: Extract<Frame, { kind: 'info' | 'error' }>): void {
    const { log, host, onGap } = this.#options
    log.warn({ kind: note.kind, name: note.name, detail: note.detail }, 'a note from the host')
    if (note.name !== 'OutdatedCursor' && note.name !== 'FutureCursor') return
    if (note.name === 'FutureCursor') this.#intake.reset()
    onGap?.({ host, reason: note.name })
  }

  /** Resolves accounts while their messages wait behind others. */
  #resolveAhead(message: Message): void {
    const { did } = message
    if (this.#resolvedAhead.has(did) || this.#resolvedAhead.size >= MAX_WAITING) return
    this.#resolvedAhead.add(did)
    this.#prefetch(did).catch((error: unknown) => {
      this.#options.log.debug({ did, err: error }, 'not resolved ahead')
    })
  }

  async #prefetch(did: string): Promise<void> {
    const { lookup } = this.#rules
    if (!lookup.isLost(did) && (await this.#options.inScope(did))) await lookup.once(did, false)
  }

  async #judgeAll(): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS
    for (;;) {
      const arrival = await this.#intake.next()
      if (arrival === undefined) return
      if (this.#intake.empty) this.#resolvedAhead.clear()
      const event = await this.#settle(arrival)
      if (this.#options.signal.aborted) return
      if (event !== undefined) await this.#delivery.push(event, arrival.frame.length)
      else {
        this.#window.release(1, arrival.frame.length)
        this.#delivery.advance(arrival.seq)
      }
      if (performance.now() < sliceEnd) continue
      await breathe()
      sliceEnd = performance.now() + SLICE_MS
    }
  }

  /** The event of an arrival, tried again while something of ours is broken: a skip is a loss. */
  async #settle(arrival: Arrival): Promise<FirehoseEvent | undefined> {
    const { signal, log, limits } = this.#options
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        return await this.#eventOf(arrival)
      } catch (error) {
        if (signal.aborted) return undefined
        log.error({ seq: arrival.seq, attempt, err: error }, 'a message cannot be judged now')
        await backOff(limits.retry, attempt, signal)
      }
    }
    return undefined
  }

  async #eventOf(arrival: Arrival): Promise<FirehoseEvent | undefined> {
    const { content, seq, frame } = arrival
    if (content.kind === 'skipped') return undefined
    const did = content.kind === 'message' ? content.message.did : content.did
    // A frame that names nobody may have been about anybody.
    if (did !== '' && !(await this.#options.inScope(did))) return undefined
    const verdict =
      content.kind === 'refused' ? content.refusal : await judge(content.message, this.#rules)
    if (!('ok' in verdict)) return verdict
    const { reason, detail } = verdict
    this.#options.log.warn({ seq, did, reason, detail }, 'refused')
    const time = this.#options.clock.now().toISOString()
    return { kind: 'refused', seq, did, reason, detail, frame, time }
  }
}
