import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { type Lru, createLru } from '../crypto/lru.ts'
import { isConflict, isDataError } from '../database/pool.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import type { Guard } from './guard.ts'
import { type CallOutcome, type RepoState, type WriteCall, planWrites } from './plan-writes.ts'
import { type FoundState, type StateQuestion, readStates } from './read-states.ts'
import { type Turn, WriteLanes } from './write-lanes.ts'
import { type PlannedRepo, storePlans } from './write-statement.ts'

/** What carrying out writes needs. `stored` is told of repos once their writes are committed. */
export type WriteQueueOptions = {
  pool: SqlPool
  clock: Clock
  nextTid: () => string
  guards: readonly Guard[]
  stored: (space: string, did: string) => void
}

/** Statements under way at once: while they wait for the disk, calls gather for the next. */
const FLIGHTS = 3
const STATES_KEPT = 2_000
/** Other processes may write into the same repo; one of them always gets on. */
const ATTEMPTS_MAX = 20

/**
 * Carries calls out, those that wait together in one statement. States of repos are remembered;
 * a statement changes nothing of a repo that has moved on since, and is then made anew.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #lanes = new WriteLanes()
  readonly #states: Lru<string, RepoState> = createLru(STATES_KEPT)
  #flying = 0

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /** Answers once the call's writes are committed; rejects with what refused or prevented them. */
  submit(
    space: string,
    did: string,
    call: WriteCall,
  ): Promise<Exclude<CallOutcome, { error: Error }>> {
    const alone = call.writes.some(({ collection }) => this.#guardsOf(space, did, collection)[0])
    return new Promise((resolve, reject) => {
      const settle = (outcome: CallOutcome) =>
        'error' in outcome ? reject(outcome.error) : resolve(outcome)
      this.#lanes.add(space, did, { call, alone, settle })
      this.#pump()
    })
  }

  /** Forgets what is remembered of a repo, after something else has changed it. */
  forget(space: string, did: string): void {
    this.#states.delete(`${space} ${did}`)
  }

  #pump(): void {
    while (this.#flying < FLIGHTS) {
      const turns = this.#lanes.take()
      if (turns.length === 0) return
      this.#flying += 1
      void this.#carryOut(turns).finally(() => {
        this.#flying -= 1
        for (const turn of turns) this.#lanes.giveBack(turn)
        this.#pump()
      })
    }
  }

  async #carryOut(turns: readonly Turn[]): Promise<void> {
    try {
      await this.#tryOut(turns)
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      for (const { space, did } of turns) this.forget(space, did)
      const calls = turns.flatMap((turn) =>
        turn.waiting.map((one) => ({ ...turn, waiting: [one] })),
      )
      const mayPass = isConflict(error) || isDataError(error)
      // Nothing of it was stored, and one call's values are not to be another's failure.
      if (calls.length > 1 && mayPass) for (const call of calls) await this.#carryOut([call])
      else for (const { waiting } of calls) waiting[0]?.settle({ error })
    }
  }

  async #tryOut(turns: readonly Turn[]): Promise<void> {
    let left = turns
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > ATTEMPTS_MAX) throw new Error('other writers of the repo left no turn')
      // Of two that met, one is to be first the next time.
      if (attempt > 2) await sleep(Math.random() * 5 * attempt)
      const found = await this.#look(left, attempt > 1)
      const repos = left.map((turn, n) => this.#plan(turn, found[n]))
      // An error is an answer only if it was found in what the database holds at one moment.
      const sure = repos.map(
        ({ plan }, n) => found[n] !== undefined || !plan.outcomes.some(isError),
      )
      const toStore = repos.filter(({ plan }, n) => sure[n] && plan.changes.length > 0)
      const stored = await this.#store(toStore)
      left = left.filter((turn, n) => {
        const repo = repos[n]!
        const done = sure[n] && (repo.plan.changes.length === 0 || stored.has(repo))
        if (done) this.#settle(turn, repo)
        else this.forget(turn.space, turn.did)
        return !done
      })
    }
  }

  /** Of turns that only create in repos that are remembered nothing is read: undefined. */
  async #look(
    turns: readonly Turn[],
    anew: boolean,
  ): Promise<({ found: FoundState } | undefined)[]> {
    const looks = new Map<number, StateQuestion>()
    turns.forEach(({ space, did, waiting }, n) => {
      const believed = this.#states.get(`${space} ${did}`)
      const writes = waiting.flatMap(({ call }) => call.writes)
      const blind = !anew && believed && writes.every(({ action }) => action === 'create')
      if (!blind) looks.set(n, { space, did, believed, paths: writes })
    })
    if (looks.size === 0) return turns.map(() => undefined)
    const states = await readStates(this.#options.pool, [...looks.values()])
    const order = [...looks.keys()]
    return turns.map((_, n) => (looks.has(n) ? { found: states[order.indexOf(n)] } : undefined))
  }

  #plan({ space, did, waiting }: Turn, look: { found: FoundState } | undefined): PlannedRepo {
    const remembered = this.#states.get(`${space} ${did}`)
    const state = look ? look.found?.state : remembered
    const held = look?.found?.held ?? new Map<string, string>()
    const calls = waiting.map(({ call }) => call)
    return { space, did, plan: planWrites({ state, held, calls, nextTid: this.#options.nextTid }) }
  }

  async #store(repos: readonly PlannedRepo[]): Promise<Set<PlannedRepo>> {
    if (repos.length === 0) return new Set()
    const { pool, clock } = this.#options
    const guarded = repos.some((repo) => this.#hasGuards(repo))
    const done = guarded
      ? await transaction(pool, (tx) => this.#storeGuarded(tx, repos))
      : await storePlans(pool, repos, clock.now()).catch(noneIfConflict)
    return new Set(repos.filter((_, n) => done.has(n)))
  }

  async #storeGuarded(tx: Sql, repos: readonly PlannedRepo[]): Promise<Set<number>> {
    const done = await storePlans(tx, repos, this.#options.clock.now())
    for (const [n, { space, did, plan }] of repos.entries()) {
      if (!done.has(n)) continue
      for (const { collection, rkey, rev, record } of plan.changes) {
        for (const guard of this.#guardsOf(space, did, collection)) {
          await guard.apply(tx, { space, did, collection, rkey, rev, record })
        }
      }
    }
    return done
  }

  #settle({ waiting }: Turn, { space, did, plan }: PlannedRepo): void {
    const { rev, setHash, source } = plan
    if (rev !== '') this.#states.set(`${space} ${did}`, { rev, setHash, source })
    if (plan.changes.length > 0) this.#options.stored(space, did)
    waiting.forEach((each, n) => each.settle(plan.outcomes[n]!))
  }

  #hasGuards({ space, did, plan }: PlannedRepo): boolean {
    return plan.changes.some(({ collection }) => this.#guardsOf(space, did, collection)[0])
  }

  #guardsOf(space: string, did: string, collection: string): Guard[] {
    return this.#options.guards.filter((guard) => guard.concerns({ space, did, collection }))
  }
}

function noneIfConflict(error: unknown): Set<number> {
  if (isConflict(error)) return new Set()
  throw error
}

const isError = (outcome: CallOutcome) => 'error' in outcome
