import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { type GuardLimits, createGuard } from './guard.ts'
import type { HostRow, SyncStore } from './store.ts'
import { type Subscription, startSubscription } from './subscribe.ts'
import type { Covered, SubscriptionOptions, SubscriptionState } from './subscription-options.ts'

/** What all subscriptions have in common. */
export type SharedOptions = Pick<
  SubscriptionOptions,
  'resolver' | 'verifier' | 'sink' | 'connect' | 'homeOf' | 'onFresh' | 'proveHandle' | 'limits'
>

export type HostsOptions = {
  /** The own PDS: its name, and where this process reaches it. */
  own: { host: string; service: string }
  shared: SharedOptions
  store: Pick<SyncStore, 'saveHost' | 'cursorOf' | 'resetCursor'>
  covers: (row: HostRow, ...message: Parameters<SubscriptionOptions['inScope']>) => Covered
  /** Called when a host is connected and its list has not been read to the end. */
  onList: (row: HostRow) => void
  timers: Timers
  log: Log
  /** connect to other hosts at public addresses only */
  publicOnly: boolean
  limits: HostLimits
}

export type HostLimits = {
  /** hosts listened to, beside those the configuration names */
  hosts: number
  guard: GuardLimits
  /** how long a host that sends garbage is left alone at first; four times as long each time */
  penaltyMs: number
  /** penalties after which it is banned */
  penalties: number
}

type Listening = {
  row: HostRow
  subscription?: Subscription
  strikes: number
  stop: AbortController
}

/** The own PDS is near and nobody's burden: after an outage the views follow it at once. */
const OWN_LIMITS = { retry: { firstMs: 100, maxMs: 2_000 } }
const NOT_LISTED = { cursor: null, done: false }
const LISTED = { cursor: null, done: true }

/** The hosts listened to, and those that must not be. */
export class Hosts {
  readonly #options: HostsOptions
  readonly #hosts = new Map<string, Listening>()

  constructor(options: HostsOptions, known: Iterable<HostRow>) {
    this.#options = options
    for (const row of known) this.#hosts.set(row.host, listening(row))
  }

  /** All hosts known, also those that are not listened to now. */
  rows(): HostRow[] {
    return [...this.#hosts.values()].map(({ row }) => row)
  }

  /** Those listened to now. */
  open(): HostRow[] {
    return [...this.#hosts.values()].flatMap((l) => (l.subscription ? [l.row] : []))
  }

  /** Whether all accounts of a host are in scope, also while it is left alone. */
  isWhole(host: string): boolean {
    return this.#hosts.get(host)?.row.whole === true
  }

  /** How each host that is listened to is doing. */
  states(): ReadonlyMap<string, SubscriptionState> {
    const open = [...this.#hosts].flatMap(([host, { subscription }]) =>
      subscription ? [[host, subscription.state()] as const] : [],
    )
    return new Map(open)
  }

  /** Listens to a host, as it is known or as told; one that is banned is left alone. Throws when
   *  storage is away. */
  async add(told: Pick<HostRow, 'host' | 'kind' | 'namedBy' | 'whole'>): Promise<void> {
    const known = this.#hosts.get(told.host)
    if (known?.row.banned != null) return
    const more = !known || (told.whole && !known.row.whole)
    if (more && told.namedBy !== 'config' && this.open().length >= this.#options.limits.hosts) {
      this.#options.log.warn({ host: told.host }, 'too many hosts are listened to')
      return
    }
    if (more) await this.#save({ ...told, banned: null, listing: listingOf(told) })
    this.#listen(this.#hosts.get(told.host)!)
  }

  /** Ends listening to a host that nobody in scope lives at any more. */
  async quiet(host: string): Promise<void> {
    const known = this.#hosts.get(host)
    if (known?.row.namedBy === 'account') await this.#hush(known)
  }

  /** Never listens to a host again until the ban is lifted. The own PDS cannot be banned. */
  async ban(host: string, reason: string): Promise<void> {
    if (host === this.#options.own.host) return
    const known = this.#hosts.get(host)
    const row = known?.row ?? { host, kind: 'pds', namedBy: 'admin', whole: false, listing: LISTED }
    await this.#save({ ...row, banned: reason })
    if (known) await this.#hush(known)
  }

  /** Lifts a ban and listens again. */
  async unban(host: string): Promise<void> {
    const known = this.#hosts.get(host)
    if (known?.row.banned == null) return
    await this.#save({ ...known.row, banned: null })
    known.strikes = 0
    this.#listen(known)
  }

  /** Takes over how far a host is listed. */
  noteListing(host: string, listing: HostRow['listing']): void {
    const known = this.#hosts.get(host)
    if (known) known.row = { ...known.row, listing }
  }

  /** Ends all listening; the cursors stay. */
  async close(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((known) => this.#hush(known)))
  }

  async #save(row: HostRow): Promise<void> {
    await this.#options.store.saveHost(row)
    const known = this.#hosts.get(row.host)
    if (known) known.row = row
    else this.#hosts.set(row.host, listening(row))
  }

  async #hush(known: Listening): Promise<void> {
    known.stop.abort()
    const { subscription } = known
    delete known.subscription
    await subscription?.close()
  }

  #listen(known: Listening): void {
    if (known.subscription) return
    const { own, shared, store, timers, log, publicOnly, covers, onList, limits } = this.#options
    const { host, kind } = known.row
    const isOwn = host === own.host
    const stop = (known.stop = new AbortController())
    const isGarbage = createGuard({ kind, limits: limits.guard, clock: timers })
    known.subscription = startSubscription({
      ...shared,
      host,
      kind,
      own: isOwn,
      service: isOwn ? own.service : host,
      cursor: () => store.cursorOf(host),
      // What a relay had before, its hosts tell when they are asked.
      from: kind === 'relay' ? 'live' : 'beginning',
      inScope: (did, message) => covers(known.row, did, message),
      authoritative: (identity) => kind === 'relay' || identity.pds === host,
      publicOnly: publicOnly && !isOwn,
      timers,
      log,
      onConnected: () => {
        if (!known.row.listing.done) onList(known.row)
      },
      onGap: ({ reason }) => this.#gap(known, reason),
      onJudged: (refused) => {
        if (!isGarbage(refused) || isOwn || stop.signal.aborted) return
        stop.abort()
        this.#punish(known).catch((err: unknown) => log.error({ host, err }, 'not left alone'))
      },
      ...(isOwn && { limits: { ...OWN_LIMITS, ...shared.limits } }),
    })
  }

  /** What was missed is found by asking for all, when the host is connected to again. */
  async #gap(known: Listening, reason: 'OutdatedCursor' | 'FutureCursor'): Promise<void> {
    const { store, onList } = this.#options
    if (reason === 'FutureCursor') await store.resetCursor(known.row.host)
    await this.#save({ ...known.row, listing: NOT_LISTED })
    onList(known.row)
  }

  async #punish(known: Listening): Promise<void> {
    const { limits, timers, log } = this.#options
    const { host } = known.row
    known.strikes += 1
    log.warn({ host, strikes: known.strikes }, 'it sends garbage and is left alone for a while')
    await this.#hush(known)
    if (known.strikes > limits.penalties) {
      return this.ban(host, `sent garbage again after ${limits.penalties} penalties`)
    }
    const stop = (known.stop = new AbortController())
    await timers.sleep(limits.penaltyMs * 4 ** (known.strikes - 1), stop.signal)
    if (!stop.signal.aborted) this.#listen(known)
  }
}

function listening(row: HostRow): Listening {
  return { row, strikes: 0, stop: new AbortController() }
}

/** Of a PDS listened to for some accounts only, these are fetched one by one. */
function listingOf({ kind, whole }: Pick<HostRow, 'kind' | 'whole'>): HostRow['listing'] {
  return whole || kind === 'relay' ? NOT_LISTED : LISTED
}
