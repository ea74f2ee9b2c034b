import type { Clock } from '../clock.ts'
import { isDataError } from '../database/pool.ts'
import type { FirehoseEvent, RecordWrite } from '../firehose/event.ts'
import { type Plan, planBatch, planFailed, planFetched } from '../firehose/plan.ts'
import { planFollow, planListed, planLost } from '../firehose/plan-scope.ts'
import { type Standing, isActive, unknownStanding } from '../firehose/standing.ts'
import type { Applied, Batch, HostRow, ListedRepo, Listing, SyncStore } from '../firehose/store.ts'
import { lockAccounts } from './account.ts'
import {
  accountsAt,
  claim,
  followed,
  held,
  recover,
  standings,
  unclaim,
} from './account-queries.ts'
import { carryOut } from './carry-out.ts'
import {
  cursorOf,
  moveCursors,
  noteListing,
  prepareCursors,
  readHosts,
  writeHost,
} from './host-rows.ts'
import type { Indexer } from './index-record.ts'
import { inShards, together } from './shards.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'
import { strangers } from './strangers.ts'

type Options = {
  pool: SqlPool
  indexer: Indexer
  clock: Clock
  /** transactions that share the events of a batch, by account; 1 unless said */
  shards?: number
}

/** Makes the store of the node, in Postgres: what a batch does and its host's cursor are in one
 *  transaction, so that after a crash either both are there or neither. */
export function createSyncStore(options: Options): SyncStore {
  return new PostgresStore(options)
}

type Work<T> = (tx: Sql, locked: Awaited<ReturnType<typeof lockAccounts>>) => Promise<T>

class PostgresStore implements SyncStore {
  readonly #pool: SqlPool
  readonly #indexer: Indexer
  readonly #clock: Clock
  readonly #shards: number
  readonly #prepared = new Set<string>()

  constructor({ pool, indexer, clock, shards = 1 }: Options) {
    this.#pool = pool
    this.#indexer = indexer
    this.#clock = clock
    this.#shards = shards
  }

  async apply(batch: Batch): Promise<Applied> {
    const { host, cursor } = batch
    const shards = this.#shards
    if (cursor !== undefined && !this.#prepared.has(host)) {
      await prepareCursors(this.#pool, { host, shards, now: this.#now })
      this.#prepared.add(host)
    }
    const parts = inShards(batch, shards)
    return together(await Promise.all(parts.map((part) => this.#applyPart(part))))
  }

  cursorOf(host: string) {
    return cursorOf(this.#pool, host)
  }

  async resetCursor(host: string) {
    this.#prepared.delete(host)
    await this.#pool.query('delete from appview.cursor where host = $1', [host])
  }

  standings(dids: readonly string[]) {
    return standings(this.#pool, dids)
  }

  accountsAt(pds: string, after: string, limit: number) {
    return accountsAt(this.#pool, pds, { after, limit })
  }

  claim(options: Parameters<SyncStore['claim']>[0]) {
    return claim(this.#pool, options)
  }

  held(did: string, after: string, limit: number) {
    return held(this.#pool, did, { after, limit })
  }

  resyncPage(did: string, rev: string, writes: readonly RecordWrite[]) {
    return this.#known([did], async (tx, locked) => {
      const standing = locked.held.get(did)
      if (standing?.state !== 'in-progress') return []
      const page = writes.map((write) => ({ ...write, rev, hidden: !isActive(standing) }))
      return (await this.#indexer.writeAll(tx, page, { now: this.#now, force: true })).named
    })
  }

  resyncDone(did: string, end: Parameters<SyncStore['resyncDone']>[1]) {
    return this.#one(did, (standing) => planFetched(standing, end, this.#now))
  }

  async resyncFailed(did: string, failure: Parameters<SyncStore['resyncFailed']>[1]) {
    await this.#one(did, (standing) => planFailed(standing, failure, this.#now))
  }

  unclaim(did: string, pds: string | null) {
    return unclaim(this.#pool, { did, pds, now: this.#now })
  }

  async desynchronize(dids: readonly string[], reason: string) {
    await this.#known(dids, (tx, locked) =>
      carryOut(tx, planLost(locked.held, reason, this.#now), this.#at('')),
    )
  }

  recover(fetching?: readonly string[]) {
    return recover(this.#pool, this.#now, fetching)
  }

  follow(account: Parameters<SyncStore['follow']>[0]) {
    const { did } = account
    return this.#noted([did], async (tx, locked) => {
      const standing = locked.held.get(did)
      const known = standing && { standing, followed: locked.followed.has(did) }
      await carryOut(tx, planFollow(account, known, this.#now), this.#at(''))
      await tx.query('update appview.account set followed = true where did = $1', [did])
    })
  }

  followed() {
    return followed(this.#pool)
  }

  strangers(after: string, limit: number) {
    return strangers(this.#pool, this.#indexer.collections, { after, limit })
  }

  async noteRepos(host: string, repos: readonly ListedRepo[], listing: Listing) {
    const there = repos.filter(({ active, status }) => active || status !== 'deleted')
    const dids = there.map(({ did }) => did)
    await this.#noted(dids, async (tx, locked) => {
      const [row] = await readHosts(tx, host)
      const pds = row?.kind === 'pds' ? host : null
      await carryOut(tx, planListed({ repos, pds }, locked.held, this.#now), this.#at(host))
      await noteListing(tx, { host, listing, now: this.#now })
    })
  }

  hosts() {
    return readHosts(this.#pool)
  }

  saveHost(row: HostRow) {
    return writeHost(this.#pool, row, this.#now)
  }

  get #now(): Date {
    return this.#clock.now()
  }

  #at(host: string) {
    return { indexer: this.#indexer, host, now: this.#now }
  }

  /** Works on accounts while their rows are locked, also on those not heard of before. */
  #noted<T>(dids: readonly string[], work: Work<T>): Promise<T> {
    const now = this.#now
    return transaction(this.#pool, async (tx) => work(tx, await lockAccounts(tx, dids, now)))
  }

  /** The same for accounts that are known. */
  #known<T>(dids: readonly string[], work: Work<T>): Promise<T> {
    return transaction(this.#pool, async (tx) => work(tx, await lockAccounts(tx, dids)))
  }

  #one(did: string, plan: (standing: Standing) => Plan): Promise<Applied> {
    return this.#known([did], (tx, locked) =>
      carryOut(tx, plan(locked.held.get(did) ?? unknownStanding(did)), this.#at('')),
    )
  }

  /** Applies a part of a batch. What holds an event that Postgres does not take is halved until
   *  that event stands alone. */
  async #applyPart({ batch, shards }: { batch: Batch; shards: number[] }): Promise<Applied> {
    const { host, events, cursor } = batch
    const dids = events.filter(isOfAccount).map(({ did }) => did)
    const at = this.#at(host)
    try {
      return await this.#noted(dids, async (tx, locked) => {
        const done = await carryOut(tx, planBatch(events, locked.held, at.now), at)
        if (cursor !== undefined) await moveCursors(tx, { ...at, shards, cursor })
        return done
      })
    } catch (error) {
      const [first, ...others] = events
      if (!isDataError(error) || first === undefined) throw error
      if (others.length === 0)
        return this.#applyPart({ batch: unstorable(batch, first, error), shards })
      const half = Math.ceil(events.length / 2)
      const before = { host, events: events.slice(0, half) }
      const after = { ...batch, events: events.slice(half) }
      const done = await this.#applyPart({ batch: before, shards })
      return together([done, await this.#applyPart({ batch: after, shards })])
    }
  }
}

/** Whether the event may change its account, so that its row is needed. */
function isOfAccount(event: FirehoseEvent): boolean {
  return event.did !== '' && (event.kind !== 'refused' || event.moved === true)
}

/** The batch with one event that Postgres does not take kept as refused in its place. */
function unstorable(batch: Batch, event: FirehoseEvent, error: unknown): Batch {
  if (event.kind === 'refused') throw error
  const { seq, did, time, kind } = event
  const moved = kind === 'commit' || kind === 'sync'
  const why = { reason: 'Unstorable', detail: String(error), frame: new Uint8Array() }
  return { ...batch, events: [{ kind: 'refused', seq, did, time, moved, ...why }] }
}
