import { type Log } from '../log.ts'
import { pause, persist, retryTime } from '../pacing/backoff.ts'
import type { FirehoseEvent } from './event.ts'
import { type FetchOptions, type Failure, type Outcome, fetchRepo, identify } from './fetch-repo.ts'
import { unlessAborted } from '../pacing/unless-aborted.ts'
import { createLatch } from '../pacing/latch.ts'
import { EventQueue } from './event-queue.ts'
import { HostLoad } from '../pacing/host-load.ts'
import { STORAGE_RETRY, patientStore } from './patient-store.ts'
import { RESYNC_LIMITS, type ResyncLimits } from './resync-limits.ts'
import type { Applied, Claim, SyncStore } from './store.ts'

export type ResyncOptions = Omit<FetchOptions, 'spool' | 'store'> & {
  store: SyncStore
  /** Told what each repo that was fetched has brought. */
  applied: (what: Applied) => void
  log: Log
  fetching?: Partial<ResyncLimits>
}

/** What fetches repos that are desynchronized. */
export type Resync = {
  /** Says that a repo may have become due. */
  wake(): void
  /** Takes events of repos that are being fetched, as the store has handed them back. */
  queue(events: readonly FirehoseEvent[]): void
  /** Settles when no more is fetched. What was in-progress stays so until `recover`. */
  close(): Promise<void>
  state(): { running: number; queued: number; resting: readonly string[] }
}

/** Begins to fetch repos that are due, until `signal` aborts or `close` is called. */
export function startResync(options: ResyncOptions): Resync {
  return new Worker(options)
}

/** The fetching of one repo. */
type Run = { claim: Claim; events: EventQueue; pds: string | null }

class Worker implements Resync {
  readonly #options: ResyncOptions
  readonly #limits: ResyncLimits
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #changed = createLatch()
  readonly #runs = new Map<string, Run>()
  readonly #load: HostLoad
  readonly #work = new Set<Promise<unknown>>()
  /** the last of the calls that must not overlap */
  #turn: Promise<unknown> = Promise.resolve()
  #unsure = false

  constructor(options: ResyncOptions) {
    this.#options = options
    this.#limits = { ...RESYNC_LIMITS, ...options.fetching }
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
    this.#signal.addEventListener('abort', () => this.#changed.open())
    const { perPds, rest } = this.#limits
    this.#load = new HostLoad({ perHost: perPds, rest, timers: options.timers })
    this.#track(this.#claimAll())
  }

  wake(): void {
    this.#changed.open()
  }

  queue(events: readonly FirehoseEvent[]): void {
    const stray = events.filter((event) => !this.#runs.get(event.did)?.events.push(event))
    if (stray.length > 0 && !this.#signal.aborted) this.#track(this.#applyAgain(stray))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    while (this.#work.size > 0) await Promise.allSettled(this.#work)
  }

  state() {
    const queued = [...this.#runs.values()].reduce((sum, { events }) => sum + events.count, 0)
    return { running: this.#runs.size, queued, resting: this.#load.resting() }
  }

  async #claimAll(): Promise<void> {
    const { timers } = this.#options
    while (!this.#signal.aborted) {
      const woken = this.#changed.wait()
      const roomy = this.#runs.size < this.#limits.repos
      const more = roomy && (await this.#turnOf(() => this.#claim()))
      if (!more) await pause(woken, this.#limits.lookMs, timers)
    }
  }

  /** One by one, so that a PDS at its limit is left out at once. */
  async #claim(): Promise<boolean> {
    const { store, timers } = this.#options
    const claim = await this.#stored(async () => {
      const exceptDids = [...this.#runs.keys()]
      // A claim whose answer was lost would be in-progress without being fetched.
      if (this.#unsure) await store.recover(exceptDids)
      this.#unsure = true
      const except = { exceptPds: this.#load.full(), exceptDids }
      const [next] = await store.claim({ limit: 1, now: timers.now(), ...except })
      this.#unsure = false
      return next
    })
    if (claim) this.#track(this.#run(claim))
    return claim !== undefined
  }

  async #run(claim: Claim): Promise<void> {
    const { did, pds } = claim
    const { queued, queuedBytes } = this.#limits
    const run: Run = { claim, pds, events: new EventQueue({ count: queued, bytes: queuedBytes }) }
    this.#runs.set(did, run)
    this.#load.take(pds)
    const outcome = await this.#attempt(run)
    if (!this.#signal.aborted) await this.#end(run, outcome)
    this.#runs.delete(did)
    this.#load.release(run.pds)
    this.#changed.open()
    // What has come since the end was stored.
    this.queue(run.events.take())
  }

  async #attempt(run: Run): Promise<Outcome | 'elsewhere'> {
    const { log } = this.#options
    const { did } = run.claim
    try {
      // Whoever does not answer does not hold up the end either.
      return await unlessAborted(this.#fetch(run), this.#signal)
    } catch (err) {
      if (!this.#signal.aborted) log.error({ did, err }, 'a repo cannot be fetched now')
      return { ok: false, reason: 'Interrupted', detail: String(err) }
    }
  }

  async #fetch(run: Run): Promise<Outcome | 'elsewhere'> {
    const { timers, log } = this.#options
    const { did } = run.claim
    if (this.#load.isOver(run.pds)) return 'elsewhere'
    const identity = await identify(run.claim, this.#options)
    if ('ok' in identity) return identity
    if (!this.#move(run, identity.pds)) return 'elsewhere'
    const { memoryBytes, folder } = this.#limits
    const spool = { memoryBytes, folder }
    const store = patientStore(this.#options.store, { timers, signal: this.#signal })
    const options = { ...this.#options, store, signal: this.#signal, spool }
    const started = timers.now().getTime()
    const outcome = await fetchRepo(identity, options)
    const ms = timers.now().getTime() - started
    if (outcome.ok) log.debug({ did, ms, ...outcome.facts }, 'a repo was fetched')
    return outcome
  }

  /** Counts the repo where it lives now; false when no more can be fetched there. */
  #move(run: Run, pds: string): boolean {
    if (pds === run.pds) return true
    if (this.#load.full().includes(pds)) {
      run.claim = { ...run.claim, pds }
      return false
    }
    this.#load.release(run.pds)
    run.pds = pds
    this.#load.take(pds)
    return true
  }

  async #end(run: Run, outcome: Outcome | 'elsewhere'): Promise<void> {
    const { store } = this.#options
    const { claim, pds } = run
    const { did } = claim
    if (outcome === 'elsewhere') {
      run.events.take()
      await this.#stored(() => store.unclaim(did, claim.pds))
    } else if (!outcome.ok) await this.#fail(run, outcome)
    else {
      this.#load.answered(pds!)
      const { rev, data, upstream, facts } = outcome
      const end = { rev, data, upstream, pds: pds!, queued: run.events.take() }
      const applied = await this.#stored(() => store.resyncDone(did, end))
      if (applied === undefined) return
      this.#options.applied({ ...applied, named: [...applied.named, ...facts.named] })
    }
  }

  async #fail({ claim, pds, events }: Run, failure: Failure): Promise<void> {
    const { store, timers, log } = this.#options
    const { did, attempts } = claim
    const { reason, detail, upstream, answered } = failure
    if (pds !== null && answered === true) this.#load.answered(pds)
    if (pds !== null && answered === false) this.#load.silent(pds)
    const retryAt = retryTime(this.#limits.retry, attempts, timers)
    log.warn({ did, pds, attempts, reason, detail, upstream, retryAt }, 'a repo was not fetched')
    // It is fetched as a whole later, and these with it.
    events.take()
    await this.#stored(() =>
      store.resyncFailed(did, { reason, retryAt, ...(upstream !== undefined && { upstream }) }),
    )
  }

  /** Applies events of repos that nobody fetches any more. */
  async #applyAgain(events: readonly FirehoseEvent[]): Promise<void> {
    const { store, applied } = this.#options
    await this.#turnOf(async () => {
      const stray = events.filter((event) => !this.#runs.get(event.did)?.events.push(event))
      if (stray.length === 0) return
      const done = await this.#stored(() => store.apply({ host: '', events: stray }))
      if (done === undefined) return
      applied({ ...done, queued: [] })
      const orphans = done.queued.filter((event) => !this.#runs.get(event.did)?.events.push(event))
      const dids = [...new Set(orphans.map(({ did }) => did))]
      if (dids.length > 0) await this.#stored(() => store.desynchronize(dids, 'NotFetched'))
    })
    this.#changed.open()
  }

  /** Claims take turns with what asks whether a repo is being fetched. */
  #turnOf<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Tries until storage is there again; undefined when stopped before. */
  #stored<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { timers, log } = this.#options
    const failed = (err: unknown, attempt: number) =>
      log.error({ err, attempt }, 'storage is away, a repo waits')
    return persist(work, { timers, signal: this.#signal, retry: STORAGE_RETRY, failed })
  }

  #track(work: Promise<unknown>): void {
    this.#work.add(work)
    const ended = () => void this.#work.delete(work)
    work.then(ended, ended)
  }
}
