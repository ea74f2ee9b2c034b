import { AsyncLocalStorage } from 'node:async_hooks'
import { type Flush, GroupSync } from './group-sync.ts'
import {
  type ActorStore,
  type ActorTransactor,
  type Did,
  type Result,
  type Sequencer,
} from './package-parts.ts'

type Events = Parameters<Sequencer['sequenceEvts']>[0]
type Range = Parameters<Sequencer['requestSeqRange']>[0]
/** Events with a number above `after` are not given out yet. */
type Hold = { after: number }
/** What one transaction sequenced; it lets go of it when it has settled. */
type Scope = { holds: Hold[]; seqs: number[]; synced: Promise<void>[]; settled: boolean }

/**
 * Gives an event out only when it and the commit it tells of are in their databases and, with
 * `flush`, on disk: subscribers never see what a power cut could take back. With it, the answer
 * to a write waits for its event too, which the package alone never syncs. The event of a commit
 * that failed is never given out.
 */
export class Publication {
  readonly #flush: Flush | undefined
  readonly #released: () => void
  readonly #sequencer: Sequencer
  readonly #scopes = new AsyncLocalStorage<Scope>()
  readonly #holds = new Set<Hold>()
  #newest = 0
  #log: GroupSync | undefined

  constructor(
    parts: { store: ActorStore; sequencer: Sequencer },
    options: { flush: Flush | undefined; released: () => void },
  ) {
    this.#flush = options.flush
    this.#released = options.released
    this.#sequencer = parts.sequencer
    this.#watchSequencer(parts.sequencer)
    const transact = parts.store.transact.bind(parts.store)
    parts.store.transact = <T>(did: Did, fn: (txn: ActorTransactor) => Result<T>): Promise<T> =>
      this.#inScope(() => transact(did, fn))
  }

  /** Syncs and closes the sequencer's log; after the last event. */
  async close(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    await log?.sync().catch(() => {})
    log?.close()
  }

  #watchSequencer(sequencer: Sequencer): void {
    const start = sequencer.start.bind(sequencer)
    const request = sequencer.requestSeqRange.bind(sequencer)
    const insert = sequencer.sequenceEvts.bind(sequencer)
    sequencer.start = async () => {
      await start()
      this.#newest = Math.max(this.#newest, sequencer.lastSeen)
      if (this.#flush) this.#log = new GroupSync(`${sequencer.dbLocation}-wal`, this.#flush)
    }
    sequencer.requestSeqRange = (range) => request(this.#published(range))
    sequencer.sequenceEvts = (events) => this.#sequence(events, insert)
  }

  #published(range: Range): Range {
    if (this.#holds.size === 0) return range
    const held = [...this.#holds].map((hold) => hold.after)
    return { ...range, latestSeq: Math.min(range.latestSeq ?? Infinity, ...held) }
  }

  async #sequence(events: Events, insert: Sequencer['sequenceEvts']): Promise<number[]> {
    // Held before the insert, so that no poll can come in between.
    const hold = { after: this.#newest }
    this.#holds.add(hold)
    const scope = this.#scopes.getStore()
    let kept = false
    try {
      const seqs = await insert(events)
      if (seqs.length === 0) return seqs
      this.#newest = Math.max(this.#newest, ...seqs)
      hold.after = Math.min(...seqs) - 1
      const synced = this.#log?.sync() ?? Promise.resolve()
      kept = scope !== undefined && !scope.settled
      if (scope === undefined || !kept) {
        await synced
        return seqs
      }
      synced.catch(() => {}) // the transaction waits for it, and fails with it
      scope.synced.push(synced)
      scope.seqs.push(...seqs)
      scope.holds.push(hold)
      return seqs
    } finally {
      if (!kept) this.#release([hold])
    }
  }

  async #inScope<T>(transact: () => Promise<T>): Promise<T> {
    const scope: Scope = { holds: [], seqs: [], synced: [], settled: false }
    try {
      const result = await this.#scopes.run(scope, transact).catch(async (error: unknown) => {
        await this.#withdraw(scope.seqs)
        throw error
      })
      await Promise.all(scope.synced)
      return result
    } finally {
      scope.settled = true
      this.#release(scope.holds)
    }
  }

  /** Nobody has seen these events yet, so nobody has to be told. */
  async #withdraw(seqs: readonly number[]): Promise<void> {
    if (seqs.length === 0) return
    await this.#sequencer.db.db
      .updateTable('repo_seq')
      .set({ invalidated: 1 })
      .where('seq', 'in', seqs)
      .execute()
  }

  #release(held: Hold[]): void {
    for (const hold of held) this.#holds.delete(hold)
    if (held.length > 0) this.#released()
  }
}
