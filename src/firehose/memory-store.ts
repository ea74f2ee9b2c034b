import type { Clock } from '../clock.ts'
import type { FirehoseEvent, RecordWrite } from './event.ts'
import {
  type KeptRefusal,
  type Plan,
  type PlannedWrite,
  planBatch,
  planFailed,
  planFetched,
} from './plan.ts'
import { planFollow, planListed, planLost } from './plan-scope.ts'
import { type Standing, isActive, isFetchable, unknownStanding } from './standing.ts'
import type { Applied, Claim, HostRow, Listing, ListedRepo, SyncStore } from './store.ts'

type Account = {
  standing: Standing
  handle: string | null
  followed: boolean
  at: Date | null
  attempts: number
}
type Kept = { cid: string | null; rev: string; reason: string | null }
type Refused = Omit<KeptRefusal, 'frame'> & { host: string }
type Written = RecordWrite & { rev: string }

/** Everything a store holds, in an order that does not depend on how it came. */
export type StoreDump = {
  accounts: (Omit<Account, 'standing'> & Standing)[]
  /** by at-uri, deleted ones with a `cid` of null */
  records: Record<string, Kept>
  /** at-uris of the records that readers see */
  shown: string[]
  cursors: Record<string, number>
  hosts: HostRow[]
  refused: Refused[]
}

/** A store in memory, with an account of all that it holds. */
export type MemoryStore = SyncStore & { dump(): StoreDump }

/** Makes a store that forgets all with its process, for simulations and as the measure of the one
 *  in Postgres. `judgeRecord` says why a record is not shown, `named` whom it names. */
export function createMemoryStore(options: {
  clock: Clock
  judgeRecord?: (write: Written) => string | undefined
  named?: (write: Written) => readonly string[]
}): MemoryStore {
  return new InMemory(options)
}

class InMemory implements MemoryStore {
  readonly #options: Parameters<typeof createMemoryStore>[0]
  readonly #accounts = new Map<string, Account>()
  readonly #records = new Map<string, Map<string, Kept>>()
  /** whom records name, by at-uri */
  readonly #names = new Map<string, readonly string[]>()
  readonly #hosts = new Map<string, HostRow>()
  readonly #cursors = new Map<string, number>()
  readonly #refused = new Map<string, Refused>()

  constructor(options: Parameters<typeof createMemoryStore>[0]) {
    this.#options = options
  }

  get #now(): Date {
    return this.#options.clock.now()
  }

  async apply(batch: { host: string; events: readonly FirehoseEvent[]; cursor?: number }) {
    const applied = this.#carryOut(
      planBatch(batch.events, this.#pick(batch.events), this.#now),
      batch.host,
    )
    if (batch.cursor !== undefined) this.#cursors.set(batch.host, batch.cursor)
    return applied
  }

  async cursorOf(host: string) {
    return this.#cursors.get(host)
  }

  async resetCursor(host: string) {
    this.#cursors.delete(host)
  }

  async standings(dids: readonly string[]) {
    return this.#pick(dids.map((did) => ({ did })))
  }

  async accountsAt(pds: string, after: string, limit: number) {
    const all = [...this.#accounts.values()].map(({ standing }) => standing)
    const here = all.filter((s) => s.pds === pds && s.did > after)
    return here
      .filter((s) => s.upstream !== 'deleted')
      .toSorted(byDid)
      .slice(0, limit)
  }

  async claim(options: Parameters<SyncStore['claim']>[0]) {
    const { limit, now, exceptPds = [], exceptDids = [] } = options
    const due = [...this.#accounts.values()].filter(({ standing: s, at }) => {
      const here = exceptDids.includes(s.did) || (s.pds !== null && exceptPds.includes(s.pds))
      return s.state === 'desynchronized' && isFetchable(s) && !here && at !== null && at <= now
    })
    const claims: Claim[] = []
    for (const account of due.toSorted(byTime).slice(0, limit)) {
      account.standing = { ...account.standing, state: 'in-progress', handedOut: null }
      const { did, pds } = account.standing
      claims.push({ did, attempts: account.attempts, pds })
    }
    return claims
  }

  async held(did: string, after: string, limit: number) {
    const paths = [...(this.#records.get(did) ?? [])].flatMap(([path, { cid }]) =>
      cid === null || path <= after ? [] : [{ path, cid }],
    )
    return paths.toSorted((a, b) => order(a.path, b.path)).slice(0, limit)
  }

  async resyncPage(did: string, rev: string, writes: readonly RecordWrite[]) {
    const standing = this.#standing(did)
    if (standing.state !== 'in-progress') return []
    const hidden = !isActive(standing)
    return this.#writeAll(
      writes.map((write) => ({ ...write, rev, hidden })),
      true,
    ).named
  }

  async resyncDone(did: string, end: Parameters<SyncStore['resyncDone']>[1]) {
    return this.#carryOut(planFetched(this.#standing(did), end, this.#now))
  }

  async resyncFailed(did: string, failure: Parameters<SyncStore['resyncFailed']>[1]) {
    this.#carryOut(planFailed(this.#standing(did), failure, this.#now))
  }

  async unclaim(did: string, pds: string | null) {
    const account = this.#accounts.get(did)
    if (account?.standing.state !== 'in-progress') return
    const reason = 'Unclaimed'
    account.standing = { ...account.standing, state: 'desynchronized', reason, pds }
    account.at = this.#now
  }

  async desynchronize(dids: readonly string[], reason: string) {
    this.#carryOut(planLost(await this.standings(dids), reason, this.#now))
  }

  async recover(fetching: readonly string[] = []) {
    for (const account of this.#accounts.values()) {
      const { did, state } = account.standing
      if (state !== 'in-progress' || fetching.includes(did)) continue
      const reason = 'Interrupted'
      account.standing = { ...account.standing, state: 'desynchronized', reason }
      account.at = this.#now
    }
  }

  async follow(account: { did: string; pds: string; handle?: string }) {
    this.#carryOut(planFollow(account, this.#accounts.get(account.did), this.#now))
    this.#accounts.get(account.did)!.followed = true
  }

  async followed() {
    const followed = [...this.#accounts.values()].filter((a) => a.followed)
    const there = followed.map((a) => a.standing).filter((s) => s.upstream !== 'deleted')
    const placed = there.toSorted(byDid)
    return placed.flatMap(({ did, pds }) => (pds === null ? [] : [{ did, pds }]))
  }

  async strangers(after: string, limit: number) {
    const named = this.dump().shown.flatMap((uri) => this.#names.get(uri) ?? [])
    const unknown = new Set(named.filter((did) => did > after && !this.#accounts.has(did)))
    return [...unknown].toSorted(order).slice(0, limit)
  }

  async noteRepos(host: string, repos: readonly ListedRepo[], listing: Listing) {
    const row = this.#hosts.get(host)
    const pds = row?.kind === 'pds' ? host : null
    this.#carryOut(planListed({ repos, pds }, this.#pick(repos), this.#now))
    if (row) this.#hosts.set(host, { ...row, listing })
  }

  async hosts() {
    return [...this.#hosts.values()].toSorted((a, b) => order(a.host, b.host))
  }

  async saveHost(row: HostRow) {
    this.#hosts.set(row.host, row)
  }

  dump(): StoreDump {
    const accounts = [...this.#accounts.values()]
      .map(({ standing, ...rest }) => ({ ...standing, ...rest }))
      .toSorted(byDid)
    const records = [...this.#records].flatMap(([did, kept]) =>
      [...kept].map(([path, record]) => ({ did, uri: `at://${did}/${path}`, record })),
    )
    records.sort((a, b) => order(a.uri, b.uri))
    const shown = records.filter(({ did, record }) => {
      return record.cid !== null && record.reason === null && isActive(this.#standing(did))
    })
    return {
      accounts,
      records: Object.fromEntries(records.map(({ uri, record }) => [uri, record])),
      shown: shown.map(({ uri }) => uri),
      cursors: Object.fromEntries([...this.#cursors].toSorted(([a], [b]) => order(a, b))),
      hosts: [...this.#hosts.values()].toSorted((a, b) => order(a.host, b.host)),
      refused: [...this.#refused.values()],
    }
  }

  #standing(did: string): Standing {
    return this.#accounts.get(did)?.standing ?? unknownStanding(did)
  }

  #pick(of: readonly { did: string }[]): ReadonlyMap<string, Standing> {
    const known = of.filter(({ did }) => this.#accounts.has(did))
    return new Map(known.map(({ did }) => [did, this.#standing(did)]))
  }

  #carryOut(plan: Plan, host = ''): Applied {
    const { told } = plan
    for (const did of plan.forget) this.#records.delete(did)
    const written = this.#writeAll(plan.writes, false)
    const outcomes: Record<string, number> = { ...told.outcomes }
    for (const outcome of written.outcomes) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    for (const [did, { standing, handle, due }] of plan.changes) {
      const fresh = { handle: null, followed: false, at: null, attempts: 0 }
      const account = { ...fresh, ...this.#accounts.get(did), standing }
      if (handle !== undefined) account.handle = handle
      if (due) {
        account.at = due.at
        account.attempts = attemptsAfter[due.attempts](account.attempts)
      }
      this.#accounts.set(did, account)
    }
    for (const { seq, did, reason, detail } of plan.refused) {
      const key = `${host} ${seq} ${did} ${reason}`
      if (!this.#refused.has(key)) this.#refused.set(key, { host, seq, did, reason, detail })
    }
    return { ...told, outcomes, named: written.named }
  }

  /** Of several versions of a record only the newest counts. */
  #writeAll(writes: readonly PlannedWrite[], force: boolean) {
    const place = (w: PlannedWrite) => `${w.did}/${w.collection}/${w.rkey}`
    const newest = new Map<string, PlannedWrite>()
    for (const write of writes) {
      const other = newest.get(place(write))
      const newer = !other || write.rev > other.rev || (force && write.rev === other.rev)
      if (newer) newest.set(place(write), write)
    }
    const named = new Set<string>()
    const outcomes = writes.map((write) => {
      if (newest.get(place(write)) !== write) return 'older'
      const outcome = this.#write(write, force)
      if (outcome !== 'indexed') return outcome
      const whom = this.#options.named?.(write) ?? []
      this.#names.set(`at://${place(write)}`, whom)
      if (!write.hidden) for (const did of whom) named.add(did)
      return outcome
    })
    return { outcomes, named: [...named] }
  }

  #write(write: Written, force: boolean): string {
    const { did, collection, rkey, cid, rev } = write
    const path = `${collection}/${rkey}`
    const kept = this.#records.get(did) ?? new Map<string, Kept>()
    const before = kept.get(path)
    if (before && (force ? before.rev > rev : before.rev >= rev)) return 'older'
    const reason = (cid !== null && this.#options.judgeRecord?.(write)) || null
    this.#records.set(did, kept.set(path, { cid, rev, reason }))
    return reason !== null ? 'refused' : cid === null ? 'removed' : 'indexed'
  }
}

const attemptsAfter = { same: (n: number) => n, none: () => 0, more: (n: number) => n + 1 }

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byDid(a: { did: string }, b: { did: string }): number {
  return order(a.did, b.did)
}

function byTime(a: Account, b: Account): number {
  return a.at!.getTime() - b.at!.getTime() || byDid(a.standing, b.standing)
}
