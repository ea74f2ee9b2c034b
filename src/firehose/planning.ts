import type { CommitEvent, FirehoseEvent, RefusedEvent, SyncEvent } from './event.ts'
import type { AccountChange, Due, KeptRefusal, Plan, PlannedWrite } from './plan.ts'
import { NEW, type Standing, isActive, isFetchable, unknownStanding } from './standing.ts'

/** Nothing is to be fetched. */
export const SYNCHRONIZED: Due = { reason: null, at: null, attempts: 'none' }

/** How long the first commit of a new account may take after the account itself. */
const FIRST_COMMIT_MS = 5_000

/** Gathers what is to be done while standings are carried forward from event to event. */
export class Planning {
  readonly #before: ReadonlyMap<string, Standing>
  readonly #now: Date
  readonly #changes = new Map<string, AccountChange>()
  readonly #forgotten = new Set<string>()
  readonly #seen = new Set<string>()
  #writes: Omit<PlannedWrite, 'hidden'>[] = []
  readonly #refused: KeptRefusal[] = []
  readonly #queued: FirehoseEvent[] = []
  readonly #outcomes: Record<string, number> = {}

  constructor(before: ReadonlyMap<string, Standing>, now: Date) {
    this.#before = before
    this.#now = now
  }

  /** Where the account stands after the events so far. */
  of(did: string): Standing {
    return this.#changes.get(did)?.standing ?? this.#before.get(did) ?? unknownStanding(did)
  }

  /** Notes what is new of the account; without any of it, that it exists. */
  change(did: string, news: Partial<Standing>, due?: Due): void {
    const earlier = this.#changes.get(did)
    const standing = { ...this.of(did), ...news, ...(due && { reason: due.reason }) }
    this.#changes.set(did, { ...earlier, standing, ...(due && { due }) })
  }

  /** Notes the handle; null for none. */
  name(did: string, handle: string | null): void {
    this.#changes.set(did, { ...this.#changes.get(did), standing: this.of(did), handle })
  }

  /** The repo has to be fetched: at once, or when the time set after a failure has come. `afresh`
   *  ends that time, because what failed has changed. */
  desynchronize(did: string, reason: string, { afresh = false } = {}): void {
    const { state, reason: before } = this.of(did)
    if (state === 'desynchronized' && before !== NEW && !afresh) return
    const none = afresh || this.#changes.get(did)?.due?.attempts === 'none'
    const due: Due = { reason, at: this.#now, attempts: none ? 'none' : 'same' }
    this.change(did, { state: 'desynchronized' }, due)
  }

  /** Whether the account was heard of before. */
  knows(did: string): boolean {
    return this.#before.has(did) || this.#changes.has(did)
  }

  /** Notes an account that is heard of before any commit of it. It may be new, or may have moved
   *  here with all that it wrote elsewhere: unless its first commit comes, its repo is fetched. */
  discover(did: string): void {
    const at = new Date(this.#now.getTime() + FIRST_COMMIT_MS)
    this.change(did, { state: 'desynchronized' }, { reason: NEW, at, attempts: 'none' })
  }

  /** Everything of the account is to be deleted; what remains is that it was. */
  forget(did: string): void {
    this.#forgotten.add(did)
    this.#writes = this.#writes.filter((write) => write.did !== did)
    const nothing = { state: 'synchronized', upstream: 'deleted', rev: null, data: null } as const
    this.change(did, nothing, SYNCHRONIZED)
    this.name(did, null)
  }

  /** A commit of the account has come; whoever waits for its revision is to be told. */
  seen(did: string): void {
    this.#seen.add(did)
  }

  apply({ did, rev, data, writes }: CommitEvent): void {
    for (const write of writes) this.#writes.push({ ...write, rev })
    const whole = this.of(did).state !== 'synchronized'
    this.change(did, { rev, data, state: 'synchronized' }, whole ? SYNCHRONIZED : undefined)
    this.count('applied')
  }

  /** Hands an event out for whoever fetches its repo. As it is kept nowhere else and the cursor
   *  passes it, its revision is noted: the fetch has to reach it. */
  queue(event: CommitEvent | SyncEvent): void {
    const { did, rev } = event
    const { handedOut } = this.of(did)
    if (handedOut === null || rev > handedOut) this.change(did, { handedOut: rev })
    this.#queued.push(event)
    this.count('queued')
  }

  /** The same told twice is kept once. */
  refuse({ seq, did, reason, detail, frame }: RefusedEvent): void {
    const kept = this.#refused.some((r) => r.seq === seq && r.did === did && r.reason === reason)
    if (!kept) this.#refused.push({ seq, did, reason, detail, frame })
  }

  count(outcome: string): void {
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1
  }

  end(): Plan {
    const changed = [...this.#changes.values()].map(({ standing }) => standing)
    const kept = changed.filter(({ did }) => !this.#forgotten.has(did))
    const was = (s: Standing) => isActive(this.#before.get(s.did) ?? unknownStanding(s.did))
    const revs = new Map<string, string>()
    for (const did of this.#seen) {
      const { rev } = this.of(did)
      if (rev !== null) revs.set(did, rev)
    }
    return {
      writes: this.#writes.map((write) => ({ ...write, hidden: !isActive(this.of(write.did)) })),
      forget: [...this.#forgotten],
      hide: kept.filter((s) => was(s) && !isActive(s)).map(({ did }) => did),
      show: kept.filter((s) => !was(s) && isActive(s)).map(({ did }) => did),
      changes: this.#changes,
      refused: this.#refused,
      told: {
        revs,
        outcomes: this.#outcomes,
        queued: this.#queued,
        desynchronized: this.#desynchronized(),
      },
    }
  }

  #desynchronized(): string[] {
    const now = [...this.#changes.values()].filter(({ due }) => due?.at === this.#now)
    return now.filter((c) => isFetchable(c.standing)).map((c) => c.standing.did)
  }
}
