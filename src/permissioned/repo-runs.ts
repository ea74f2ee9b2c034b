import type { Log } from '../log.ts'
import { pause, persist, retryTime } from '../pacing/backoff.ts'
import { HostLoad } from '../pacing/host-load.ts'
import { createLatch } from '../pacing/latch.ts'
import { unlessAborted } from '../pacing/unless-aborted.ts'
import { AccessLost } from './access-lost.ts'
import type { RepoOutcome, RepoSyncPorts } from './asking.ts'
import type { DueRepo, FollowStore } from './follow-store.ts'
import { syncRepo } from './sync-repo.ts'

/** What the fetching of due repos needs. */
export type RepoRunOptions = RepoSyncPorts & {
  store: Pick<FollowStore, 'due' | 'dueOf' | 'beginWhole' | 'done' | 'later'>
  /** Told when the authority refuses all readers of a space. */
  lost: (space: string) => void
  signal: AbortSignal
  log: Log
}

type Run = { space: string; did: string; stop: AbortController; ended: Promise<RepoOutcome> }

/** Where a repo lives, as far as it counts for how much is asked there. */
type Place = { load: HostLoad; host: string | null }

const STORAGE_RETRY = { firstMs: 100, maxMs: 10_000 }

/** Fetches repos that are due, each by one at a time. */
export class RepoRuns {
  readonly #options: RepoRunOptions
  readonly #changed = createLatch()
  readonly #runs = new Map<string, Run>()
  readonly #halted = new Set<string>()
  readonly #load: HostLoad
  readonly #urgentLoad: HostLoad
  readonly #loop: Promise<void>
  /** the claim under way, if any: what it finds is not among the runs yet */
  #claiming: Promise<unknown> = Promise.resolve()
  #urgent = 0
  /** how often something was halted: what was looked up before may not be due any more */
  #halts = 0

  constructor(options: RepoRunOptions) {
    const { timers, limits } = options
    const { rest } = limits
    this.#options = options
    this.#load = new HostLoad({ perHost: limits.reposPerHost, rest, timers })
    this.#urgentLoad = new HostLoad({ perHost: limits.urgentPerHost, rest, timers })
    options.signal.addEventListener('abort', () => this.#changed.open())
    this.#loop = this.#claimAll()
  }

  /** Says that a repo may have become due. */
  wake(): void {
    this.#changed.open()
  }

  /** Fetches a due repo at once, beside those that wait for their turn. */
  async now(space: string, did: string): Promise<RepoOutcome> {
    const { limits, timers, signal } = this.#options
    if (this.#urgent >= limits.urgent) return refused('Busy', 'too many are waited for')
    this.#urgent += 1
    const late = new AbortController()
    const timer = new AbortController()
    void timers.sleep(limits.urgentMs, timer.signal).then(() => late.abort())
    try {
      return await this.#whenFree({ space, did }, AbortSignal.any([late.signal, signal]))
    } catch (error) {
      if (!late.signal.aborted) throw error
      return refused('Late', 'it goes on being fetched')
    } finally {
      timer.abort()
      this.#urgent -= 1
    }
  }

  /** Ends all that is fetched of a space and lets nothing begin, until the returned is called. */
  async halt(space: string): Promise<() => void> {
    this.#halted.add(space)
    this.#halts += 1
    await this.#claiming
    const runs = [...this.#runs.values()].filter((run) => run.space === space)
    for (const { stop } of runs) stop.abort()
    await Promise.allSettled(runs.map(({ ended }) => ended))
    return () => void this.#halted.delete(space)
  }

  /** Settles when nothing is fetched any more, after the signal has aborted. */
  async close(): Promise<void> {
    await this.#loop
    await Promise.allSettled([...this.#runs.values()].map(({ ended }) => ended))
  }

  state(): { running: number; resting: readonly string[] } {
    return { running: this.#runs.size, resting: this.#load.resting() }
  }

  /** What is being fetched may have been read before that which is waited for was written. */
  async #whenFree(repo: { space: string; did: string }, by: AbortSignal): Promise<RepoOutcome> {
    const { store } = this.#options
    for (;;) {
      const halts = this.#halts
      const due = await store.dueOf(repo.space, repo.did)
      if (due === undefined) return refused('NotFollowed', repo.space)
      const other = this.#runs.get(keyOf(repo))
      if (other !== undefined) await unlessAborted(other.ended, by)
      else if (halts === this.#halts) return this.#start(due, this.#urgentLoad, by)
    }
  }

  async #claimAll(): Promise<void> {
    const { signal, limits, timers } = this.#options
    while (!signal.aborted) {
      const woken = this.#changed.wait()
      const claim = this.#runs.size < limits.repos ? this.#claim() : Promise.resolve(false)
      this.#claiming = claim
      if (!(await claim)) await pause(woken, limits.lookMs, timers)
    }
  }

  async #claim(): Promise<boolean> {
    const { store, timers } = this.#options
    const wanted = { exceptHosts: this.#load.full(), except: [...this.#runs.values()] }
    const [due] = (await this.#stored(() =>
      store.due({ now: timers.now(), limit: 1, ...wanted }),
    )) ?? [undefined]
    if (due === undefined) return false
    if (!this.#runs.has(keyOf(due))) void this.#start(due, this.#load, this.#options.signal)
    return true
  }

  #start(due: DueRepo, load: HostLoad, signal: AbortSignal): Promise<RepoOutcome> {
    if (this.#halted.has(due.space)) return Promise.resolve(refused('NotFollowed', due.space))
    const stop = new AbortController()
    const by = AbortSignal.any([signal, stop.signal])
    const ended = this.#run(due, { load, host: due.host }, by)
    this.#runs.set(keyOf(due), { ...due, stop, ended })
    void ended.finally(() => {
      this.#runs.delete(keyOf(due))
      this.#changed.open()
    })
    return ended
  }

  async #run(due: DueRepo, place: Place, signal: AbortSignal): Promise<RepoOutcome> {
    place.load.take(place.host)
    try {
      const outcome = await this.#attempt(due, place, signal)
      if (!signal.aborted) await this.#end(due, place, outcome)
      return outcome
    } finally {
      place.load.release(place.host)
    }
  }

  async #attempt(due: DueRepo, place: Place, signal: AbortSignal): Promise<RepoOutcome> {
    const { log, lost, store } = this.#options
    const { space, did, whole } = due
    const arrive = (host: string) => move(place, host)
    const beginWhole = async () => {
      if (!whole) await store.beginWhole(due)
    }
    try {
      const repo = { space, did, whole, signal, arrive, beginWhole }
      return await syncRepo(repo, this.#options)
    } catch (error) {
      if (signal.aborted) return refused('Interrupted', 'stopped')
      if (error instanceof AccessLost) lost(space)
      else log.error({ space, did, err: error }, 'a repo of a space cannot be fetched now')
      return refused('Interrupted', String(error))
    }
  }

  async #end(due: DueRepo, { load, host }: Place, outcome: RepoOutcome): Promise<void> {
    const { store, timers, limits, log } = this.#options
    const { space, did, attempts } = due
    if (outcome.ok) {
      if (host !== null) load.answered(host)
      log.debug({ space, did, rev: outcome.rev }, 'a repo of a space is held as its host has it')
      await this.#stored(() => store.done(due))
      return
    }
    const { reason, detail, answered } = outcome
    if (reason === 'Elsewhere') {
      await this.#stored(() =>
        store.later(due, { retryAt: timers.now(), attempts, host: detail, reason }),
      )
      return
    }
    if (host !== null && answered === true) load.answered(host)
    if (host !== null && answered === false) load.silent(host)
    const retryAt = retryTime(limits.retry, attempts, timers)
    log.warn({ space, did, host, attempts, reason, detail, retryAt }, 'a repo was not fetched')
    await this.#stored(() => store.later(due, { retryAt, attempts: attempts + 1, host, reason }))
  }

  /** Tries until storage is there again; undefined when stopped before. */
  #stored<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { timers, log, signal } = this.#options
    const failed = (err: unknown, attempt: number) =>
      log.error({ err, attempt }, 'storage is away, a repo of a space waits')
    return persist(work, { timers, signal, retry: STORAGE_RETRY, failed })
  }
}

/** Counts the repo where it lives now; false when no more can be fetched there. */
function move(place: Place, host: string): boolean {
  const { load } = place
  if (host === place.host) return !load.isOver(host)
  const full = load.full().includes(host)
  load.release(place.host)
  place.host = host
  load.take(host)
  return !full
}

function keyOf({ space, did }: { space: string; did: string }): string {
  return `${space} ${did}`
}

function refused(reason: string, detail: string): RepoOutcome {
  return { ok: false, reason, detail }
}
