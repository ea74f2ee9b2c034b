import type { Identity } from '../identity/identity.ts'
import { type Audit, createAudit } from './audit.ts'
import { backfill } from './backfill.ts'
import { pause, persist } from '../pacing/backoff.ts'
import { discover } from './discover.ts'
import { type Doubts, createDoubts } from './doubts.ts'
import { FOLLOW_LIMITS, type FollowLimits, type FollowOptions } from './follow-options.ts'
import { Hosts, type SharedOptions } from './hosts.ts'
import { type Lists, createLists } from './lists.ts'
import { type Resync, startResync } from './resync.ts'
import { type Followed, Scope } from './scope.ts'
import type { Applied, HostRow } from './store.ts'
import type { SubscriptionState } from './subscription-options.ts'
import { sweep } from './sweep.ts'

const CLOSE_MS = 2_000
const STRANGERS = 500
/** Pages taken of a relay's lists, which may have no end. */
const LIST_PAGES = 10_000

/** Begins to listen to hosts, to fetch repos that cannot be followed from what was heard, and to
 *  repair what was missed. Throws when storage is away. */
export async function startFollowing(options: FollowOptions): Promise<Following> {
  const { store } = options
  await store.recover()
  const known = { rows: await store.hosts(), followed: await store.followed() }
  const following = new Following(options, known)
  await following.start(known)
  return following
}

/** Everything that is followed: hosts, accounts, and the work in the background. */
export class Following {
  readonly #options: FollowOptions
  readonly #limits: FollowLimits
  readonly #stop = new AbortController()
  readonly #hosts: Hosts
  readonly #scope: Scope
  readonly #audit: Audit
  readonly #doubts: Doubts
  readonly #lists: Lists
  readonly #resync: Resync
  #background: Promise<unknown> = Promise.resolve()

  /** Puts the parts together; nothing is listened to before `start`. */
  constructor(options: FollowOptions, known: { rows: HostRow[]; followed: Followed[] }) {
    const { timers, log, store } = options
    this.#options = options
    this.#limits = { ...FOLLOW_LIMITS, ...options.limits }
    const shared = this.#shared()
    this.#scope = new Scope(
      {
        ...shared,
        limits: this.#limits,
        isWhole: (host) => this.#hosts.isWhole(host),
        onFollow: (account, before) => this.#onFollow(account, before),
      },
      known.followed,
    )
    this.#hosts = new Hosts(
      {
        ...options,
        limits: this.#limits,
        shared: this.#subscribing(),
        covers: (row, did, message) => this.#scope.covers(row, did, message),
        onList: (row) => this.#lists.read(row),
      },
      known.rows.map((row) => this.#asConfigured(row)),
    )
    this.#audit = createAudit({ ...shared, ...this.#limits })
    this.#doubts = createDoubts({ ...shared, audit: this.#audit })
    this.#lists = createLists({ list: (row) => this.#list(row), log })
    this.#resync = startResync({ ...shared, store, timers, log })
  }

  /** Listens to the hosts of the configuration, of administrators and of accounts followed. */
  async start({ followed }: { followed: Followed[] }): Promise<void> {
    const { own, upstreams, relays, relayHosts } = this.#options
    const add = (host: string, kind: 'pds' | 'relay', whole: boolean) =>
      this.#hosts.add({ host, kind, whole, namedBy: 'config' })
    await add(own.host, 'pds', true)
    for (const host of upstreams) await add(host, 'pds', true)
    for (const host of relays) await add(host, 'relay', false)
    for (const row of this.#hosts.rows()) if (row.namedBy === 'admin') await this.#hosts.add(row)
    for (const pds of new Set(followed.map((account) => account.pds))) await this.#listen(pds)
    this.#resync.wake()
    const work = [this.#sweep(), this.#admitStrangers()]
    if (relayHosts) work.push(this.#listRelayHosts())
    this.#background = Promise.all(work)
  }

  /** Follows an account: its host is listened to, and what it wrote before is fetched. Throws when
   *  storage is away. */
  follow(account: Followed): Promise<void> {
    return this.#scope.follow(account)
  }

  /** How each host that is listened to is doing. */
  states(): ReadonlyMap<string, SubscriptionState> {
    return this.#hosts.states()
  }

  /** Finds out who accounts are that something else than a stream has named, and follows them. */
  named(dids: readonly string[]): void {
    for (const did of dids) void this.#scope.admit(did, false)
  }

  /** What administrators see and change. */
  get hosts(): Pick<Hosts, 'rows' | 'add' | 'ban' | 'unban'> {
    return this.#hosts
  }

  /** Settles within seconds; what was not stored by then is read again after the next start. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#hosts.close()
    const ended = Promise.allSettled([
      this.#background,
      this.#lists.idle(),
      this.#doubts.idle(),
      this.#resync.close(),
    ])
    const { timers } = this.#options
    await pause(
      ended.then(() => undefined),
      CLOSE_MS,
      timers,
    )
  }

  /** What the parts have in common. */
  #shared() {
    return {
      ...this.#options,
      signal: this.#stop.signal,
      serviceOf: (host: string) => this.#serviceOf(host),
      wake: () => this.#resync.wake(),
      onFresh: (identity: Identity) => this.#scope.fresh(identity),
      applied: (what: Applied) => this.#applied(what),
    }
  }

  #subscribing(): SharedOptions {
    const { store } = this.#options
    return {
      ...this.#options,
      limits: this.#limits.subscription,
      sink: async (batch) => {
        const applied = await store.apply(batch)
        this.#applied(applied)
        this.#doubts.note(batch.events, applied)
      },
      homeOf: async (did) =>
        this.#scope.homeOf(did) ?? (await store.standings([did])).get(did)?.pds,
      onFresh: (identity) => this.#scope.fresh(identity),
    }
  }

  #serviceOf(host: string): string {
    const { own } = this.#options
    return host === own.host ? own.service : host
  }

  #applied(what: Applied): void {
    if (what.queued.length > 0) this.#resync.queue(what.queued)
    if (what.desynchronized.length > 0) this.#resync.wake()
    this.named(what.named)
    this.#options.onApplied(what)
  }

  /** The old host of an account that has moved goes quiet when nobody followed lives there. */
  #onFollow({ pds }: Followed, before: string | undefined): void {
    this.#resync.wake()
    void this.#persist(() => this.#listen(pds))
    if (before !== undefined && this.#scope.followedAt(before) === 0) void this.#hosts.quiet(before)
  }

  async #listen(pds: string): Promise<void> {
    await this.#hosts.add({ host: pds, kind: 'pds', namedBy: 'account', whole: false })
  }

  /** A host that the configuration no longer names counts as any other. */
  #asConfigured(row: HostRow): HostRow {
    const { own, upstreams, relays } = this.#options
    const named = [own.host, ...upstreams, ...relays].includes(row.host)
    return named || row.namedBy !== 'config' ? row : { ...row, namedBy: 'account', whole: false }
  }

  /** Reads what a host lists of the accounts that it is listened to for. */
  async #list(row: HostRow): Promise<void> {
    const shared = { ...this.#shared(), audit: this.#audit, limits: this.#limits }
    if (row.whole) await backfill(row, shared)
    else await this.#listFollowed(row)
    if (row.kind === 'relay') {
      const admit = (dids: readonly string[]) => this.#admitActive(dids)
      await discover(row, { ...shared, admit, retry: this.#limits.retry, pages: LIST_PAGES })
    }
    if (!this.#stop.signal.aborted) await this.#listed(row)
  }

  /** Of accounts that cannot be asked for now, all is fetched when they can. */
  async #listFollowed({ host, kind }: HostRow): Promise<void> {
    for (const did of this.#scope.dids(kind === 'relay' ? undefined : host)) {
      const asked = await this.#audit.account(did).catch((error: unknown) => ({ error }))
      if (this.#stop.signal.aborted) return
      if (asked) await this.#persist(() => this.#audit.doubt([did]))
    }
  }

  /** Finds those whom records have named and who could not be followed then. */
  async #admitStrangers(): Promise<void> {
    for (let after: string | undefined = ''; after !== undefined;) {
      const from: string = after
      const page = await this.#persist(() => this.#options.store.strangers(from, STRANGERS))
      await Promise.all((page ?? []).map((did) => this.#scope.admit(did, false)))
      after = page?.length === STRANGERS ? page.at(-1) : undefined
    }
  }

  async #admitActive(dids: readonly string[]): Promise<void> {
    await Promise.all(dids.map((did) => this.#scope.admit(did, true)))
  }

  async #listed(row: HostRow): Promise<void> {
    const listing = { cursor: null, done: true }
    await this.#persist(() => this.#options.store.noteRepos(row.host, [], listing))
    this.#hosts.noteListing(row.host, listing)
  }

  async #sweep(): Promise<void> {
    await sweep({
      ...this.#shared(),
      audit: this.#audit,
      everyMs: this.#limits.sweepEveryMs,
      accountsPerHost: this.#limits.accountsPerHost,
      hosts: () => this.#hosts.open(),
      followed: () => this.#scope.dids(),
    })
  }

  async #listRelayHosts(): Promise<void> {
    const { relays, api } = this.#options
    for (const relay of relays) {
      let cursor: string | undefined
      for (let n = 0; n < LIST_PAGES && (n === 0 || cursor !== undefined); n += 1) {
        const from = cursor
        const page = await this.#persist(() => api.listHosts(relay, from))
        for (const host of page?.items ?? [])
          await this.#hosts.add({ host, kind: 'pds', namedBy: 'relay', whole: false })
        cursor = page?.cursor === from ? undefined : page?.cursor
      }
    }
  }

  #persist<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { log, timers } = this.#options
    const failed = (err: unknown) => log.warn({ err }, 'a host or storage is away for now')
    return persist(work, { timers, signal: this.#stop.signal, retry: this.#limits.retry, failed })
  }
}
