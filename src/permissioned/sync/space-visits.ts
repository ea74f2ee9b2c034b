import type { Log } from '../../log.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { pause, retryTime } from '../../pacing/backoff.ts'
import { HostLoad } from '../../pacing/host-load.ts'
import { createLatch } from '../../pacing/latch.ts'
import { AccessLost } from './access-lost.ts'
import { CredentialUnavailable } from './credential-unavailable.ts'
import type { FollowStore, FollowedSpace } from './follow-store.ts'
import type { SyncLimits } from './sync-limits.ts'
import { type VisitPorts, authorityOf, visitSpace } from './visit-space.ts'

/** What taking turns at spaces needs. */
export type SpaceVisitOptions = Omit<VisitPorts, 'store'> & {
  store: VisitPorts['store'] & Pick<FollowStore, 'spaces' | 'spaceOf'>
  /** Removes the copy of a space, why ever; afterwards it is stopped or unknown. */
  forget: (space: string, reason: string) => Promise<void>
  /** Told that repos may have become due. */
  found: () => void
  limits: SyncLimits
  log: Log
}

type Entry = {
  space: string
  /** when it is asked about next, in ms */
  at: number
  lastAt: number
  failures: number
  running: boolean
  again: boolean
  /** who is asked, for how much is asked there */
  host: string
}

const PAGE = 500

/** Asks about each space in its turn, and at once when something has been told of it. */
export class SpaceVisits {
  readonly #options: SpaceVisitOptions
  readonly #changed = createLatch()
  readonly #entries = new Map<string, Entry>()
  readonly #load: HostLoad
  readonly #running = new Set<Promise<void>>()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: SpaceVisitOptions) {
    const { limits, timers } = options
    this.#options = options
    this.#load = new HostLoad({ perHost: limits.spacesPerHost, rest: limits.rest, timers })
    options.signal.addEventListener('abort', () => this.#changed.open())
  }

  /** Begins with all spaces in the store, whatever had become of them before. */
  async start(): Promise<void> {
    const { store, timers, limits } = this.#options
    for (let after = ''; ;) {
      const rows = await store.spaces(after, PAGE)
      for (const row of rows) {
        const at = timers.now().getTime() + timers.random() * limits.startMs
        this.#entryOf(row.space).at = Math.max(at, notBefore(row))
      }
      if (rows.length < PAGE) break
      after = rows.at(-1)!.space
    }
    this.#loop = this.#visitAll()
  }

  /** Asks about a space as soon as may be. One that has failed keeps its waiting time, unless it is
   *  `afresh` that it can be read at all. */
  wake(space: string, { afresh = false } = {}): void {
    const entry = this.#entryOf(space)
    const now = this.#options.timers.now().getTime()
    if (afresh) entry.failures = 0
    if (entry.running) entry.again = true
    else if (entry.failures === 0)
      entry.at = Math.max(now, entry.lastAt + this.#options.limits.gapMs)
    this.#changed.open()
  }

  /** Settles when nothing is asked any more, after the signal has aborted. */
  async close(): Promise<void> {
    await this.#loop
    await Promise.allSettled(this.#running)
  }

  #entryOf(space: string): Entry {
    const known = this.#entries.get(space)
    if (known !== undefined) return known
    const host = authorityOf(space)
    const fresh = { space, at: 0, lastAt: 0, failures: 0, running: false, again: false, host }
    this.#entries.set(space, fresh)
    return fresh
  }

  async #visitAll(): Promise<void> {
    const { signal, limits, timers } = this.#options
    while (!signal.aborted) {
      const woken = this.#changed.wait()
      const next = this.#running.size < limits.spaces ? this.#next() : undefined
      if (next === undefined) await pause(woken, this.#untilNext(), timers)
      else this.#begin(next)
    }
  }

  #next(): Entry | undefined {
    const now = this.#options.timers.now().getTime()
    const full = new Set(this.#load.full())
    let first: Entry | undefined
    for (const entry of this.#entries.values()) {
      if (entry.running || entry.at > now || full.has(entry.host)) continue
      if (first === undefined || entry.at < first.at) first = entry
    }
    return first
  }

  /** How long nothing becomes due by itself, in ms. */
  #untilNext(): number {
    const { timers, limits } = this.#options
    const now = timers.now().getTime()
    let ms = limits.lookMs
    for (const { running, at } of this.#entries.values())
      if (!running && at > now) ms = Math.min(ms, at - now)
    return ms
  }

  #begin(entry: Entry): void {
    const { host } = entry
    entry.running = true
    entry.again = false
    entry.lastAt = this.#options.timers.now().getTime()
    this.#load.take(host)
    const ended = this.#visit(entry).finally(() => {
      this.#load.release(host)
      this.#running.delete(ended)
      entry.running = false
      if (entry.again) this.wake(entry.space)
      this.#changed.open()
    })
    this.#running.add(ended)
  }

  async #visit(entry: Entry): Promise<void> {
    const { store, timers, signal } = this.#options
    try {
      const row = await store.spaceOf(entry.space)
      if (row === undefined) this.#entries.delete(entry.space)
      else if (row.state === 'forgetting') await this.#forget(entry, row.reason ?? '')
      else if (notBefore(row) <= timers.now().getTime()) await this.#ask(row, entry)
      else entry.at = notBefore(row)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof AccessLost) await this.#lose(entry, error)
      else this.#fail(entry, error)
    }
  }

  async #ask(row: FollowedSpace, entry: Entry): Promise<void> {
    const { timers, limits, found, hostOf, isHosted } = this.#options
    const authority = authorityOf(entry.space)
    try {
      if (!(await isHosted(authority))) entry.host = await hostOf(authority)
      await visitSpace(row, this.#options)
    } finally {
      found()
    }
    this.#load.answered(entry.host)
    entry.failures = 0
    const inMs = limits.checkEveryMs * (0.75 + timers.random() / 2)
    entry.at = timers.now().getTime() + inMs
  }

  async #lose(entry: Entry, { reason }: AccessLost): Promise<void> {
    const { space } = entry
    this.#options.log.warn({ space, reason }, 'a space may not be read any more')
    try {
      await this.#forget(entry, reason)
    } catch (error) {
      this.#fail(entry, error)
    }
  }

  async #forget(entry: Entry, reason: string): Promise<void> {
    const { store, forget } = this.#options
    await forget(entry.space, reason)
    const row = await store.spaceOf(entry.space)
    if (row === undefined) this.#entries.delete(entry.space)
    else entry.at = notBefore(row)
    entry.failures = 0
  }

  #fail(entry: Entry, error: unknown): void {
    const { timers, limits, log } = this.#options
    const { space, host, failures } = entry
    const cause = error instanceof CredentialUnavailable ? error.cause : error
    if (cause instanceof OutboundError && cause.reason === 'Unreachable') this.#load.silent(host)
    entry.at = retryTime(limits.retry, failures, timers).getTime()
    entry.failures += 1
    const retryAt = new Date(entry.at)
    log.warn({ space, host, failures, retryAt, err: error }, 'a space was not asked to the end')
  }
}

/** Before when nothing is asked about a space, in ms. One that its authority has deleted is asked
 *  about only when somebody is given access again. */
function notBefore({ state, reason, nextSweepAt }: FollowedSpace): number {
  if (state !== 'stopped') return 0
  return reason === 'SpaceDeleted' ? Infinity : nextSweepAt.getTime()
}
