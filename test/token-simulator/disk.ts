import type { Account } from '../../src/tokens/account.ts'
import type { KeptBatch, LedgerStore } from '../../src/tokens/ledger-store.ts'
import type { Change, CurrentEpoch, EpochPhase } from '../../src/tokens/ledger-view.ts'
import { memoryStore } from '../../src/tokens/memory-store.ts'
import type { Random } from './random.ts'

type Group = readonly (Change | KeptBatch)[]

/** One life of a host, from start to crash. */
export type Life = { alive: boolean; readonly died: Promise<void>; end(): void }

/** What strikes the next write: the power goes before it is on disk, in the middle of it or after
 *  it, or the disk refuses it. */
export type Strike = 'before' | 'torn' | 'after' | 'refused'

/** What a host keeps beside the ledger, durable when the call returns. */
export type Notes = {
  phase: EpochPhase
  /** Id of the epoch that it has signed to follow this one. */
  handover?: string
  seal?: unknown
}

/** A disk, which outlives its host. */
export type Disk = {
  store(life: Life): LedgerStore
  readonly tables: ReturnType<typeof memoryStore>
  readonly opening: ReadonlyMap<string, Account>
  readonly current: CurrentEpoch
  readonly notes: Notes
  /** Writes down what the epoch has opened with. */
  begin(): Promise<void>
  /** The next write suffers this. */
  strike(kind: Strike): void
  /** The host comes back: what the log has is read again. Answers its groups. */
  recover(): Promise<readonly Group[]>
}

/** What a disk of a control does that none may. */
export type Fault = 'forgets' | 'keeps torn writes'

/** Makes a disk in an epoch. Its log is one of groups with a checksum each: a group that was torn
 *  is none. `stored` hears of each group once it is durable. */
export function createDisk(parts: {
  readonly current: CurrentEpoch
  readonly opening: ReadonlyMap<string, Account>
  readonly random: Random
  readonly fault?: Fault | undefined
  readonly stored: (group: Group) => void
  readonly struck: (kind: Strike) => void
}): Disk {
  const { random, fault, stored, struck } = parts
  let { current, opening } = parts
  let tables = memoryStore()
  let log: Group[] = []
  let next: Strike | undefined
  let notes: Notes = { phase: 'open' }
  const never = new Promise<never>(() => {})
  const write = async (group: Group): Promise<void> => {
    log.push(group)
    await tables.commit(group)
    stored(group)
  }
  const commit = async (life: Life, group: Group): Promise<void> => {
    // The way to the disk: who does not wait for it is seen.
    for (let tick = 0; tick < 12; tick += 1) await Promise.resolve()
    if (!life.alive) return await never
    const strike = next
    next = undefined
    if (strike) struck(strike)
    if (strike === 'refused') throw new Error('the disk is full')
    if (strike === 'before' || strike === 'torn') {
      if (strike === 'torn' && fault === 'keeps torn writes') {
        await write(group.slice(0, Math.ceil(group.length / 2)))
      }
      life.end()
      return await never
    }
    await write(group)
    if (strike !== 'after') return undefined
    life.end()
    return await never
  }
  const rebuild = async (): Promise<void> => {
    tables = memoryStore()
    await tables.enter(current, opening)
    for (const group of log) await tables.commit(group)
  }
  return {
    get tables() {
      return tables
    },
    get opening() {
      return opening
    },
    get current() {
      return { ...current, phase: notes.phase }
    },
    get notes() {
      return notes
    },
    begin: rebuild,
    strike: (kind) => {
      next = kind
    },
    store: (life) => ({
      load: (touched) => tables.load(touched),
      commit: (group) => commit(life, group),
      lastBatch: () => tables.lastBatch(),
      everything: () => tables.everything(),
      async enter(to, accounts) {
        await tables.enter(to, accounts)
        ;[current, opening, log, notes] = [to, new Map(tables.accounts), [], { phase: 'open' }]
      },
    }),
    async recover() {
      next = undefined
      // The newest votes were never on the disk; what was applied was.
      const kept = log.length - random.between(2, 6)
      const isApplied = (group: Group) => group.some(({ change }) => change === 'applied')
      if (fault === 'forgets') log = log.filter((group, at) => at < kept || isApplied(group))
      await rebuild()
      return log
    },
  }
}

/** Begins a life. */
export function beginLife(): Life {
  const { promise, resolve } = Promise.withResolvers<void>()
  const life: Life = {
    alive: true,
    died: promise,
    end() {
      life.alive = false
      resolve()
    },
  }
  return life
}
