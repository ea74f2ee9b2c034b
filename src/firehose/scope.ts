import { createLru } from '../crypto/lru.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Log } from '../log.ts'
import { type Backoff, type Waiting, backOff, pause, persist } from '../pacing/backoff.ts'
import type { HostApi } from './host-api.ts'
import type { Message } from './message.ts'
import type { HostRow, SyncStore } from './store.ts'
import type { Covered } from './subscription-options.ts'

export type ScopeOptions = Waiting & {
  store: Pick<SyncStore, 'follow' | 'standings'>
  api: Pick<HostApi, 'repoStatus'>
  resolver: Pick<IdentityResolver, 'resolve'>
  log: Log
  serviceOf: (pds: string) => string
  /** beginning of the paths of records of ours */
  prefix: string
  proveHandle: (identity: Identity) => Promise<string | undefined>
  /** whether all accounts of a host are listened to anyway */
  isWhole: (host: string) => boolean
  /** Called when an account is followed: its host has to be listened to. `before` is where it was
   *  followed until now. */
  onFollow: (account: Followed, before: string | undefined) => void
  limits: ScopeLimits
}

export type ScopeLimits = {
  /** accounts followed at one host */
  followedPerHost: number
  /** accounts followed in all */
  followed: number
  /** longest wait of a stream's cursor until an account is followed, in ms */
  admitMs: number
  retry: Backoff
}

/** An account with the PDS where it lives. */
export type Followed = { did: string; pds: string; handle?: string }

/** Attempts to find out who an account is that something has named. */
const ATTEMPTS = 5
/** Accounts looked up at the same time because something has named them. */
const ABREAST = 4
const WAITING_MAX = 10_000
const SEEN_MAX = 100_000

/** Which accounts are followed, beside those of whole hosts, and how more come to be. */
export class Scope {
  readonly #options: ScopeOptions
  readonly #homes = new Map<string, string>()
  readonly #perHost = new Map<string, number>()
  /** where accounts were found to live, so that each is compared with what is stored once */
  readonly #seen = createLru<string, string>(SEEN_MAX)
  readonly #naming = new Map<string, Promise<void>>()
  #abreast = 0
  readonly #queue: (() => void)[] = []

  constructor(options: ScopeOptions, followed: Iterable<Followed>) {
    this.#options = options
    for (const account of followed) this.#setHome(account)
  }

  /** The accounts followed, and those of one host. */
  dids(pds?: string): string[] {
    const all = [...this.#homes]
    return all.filter(([, home]) => pds === undefined || home === pds).map(([did]) => did)
  }

  /** How many of the accounts followed live at a host. */
  followedAt(pds: string): number {
    return this.#perHost.get(pds) ?? 0
  }

  /** Where an account that is followed lives. */
  homeOf(did: string): string | undefined {
    return this.#homes.get(did)
  }

  /** Whether a host's message is of interest. A commit to a record of ours brings its account into
   *  scope; then the answer is no, since the repo is fetched, but only once that is certain. A move
   *  whose old host keeps quiet is told of by the new one alone. */
  covers(row: HostRow, did: string, message: Message | undefined): Covered {
    if (row.whole || this.#homes.has(did)) return true
    if (message && tellsWhere(row, message)) return () => this.#isKnown(did)
    if (row.kind === 'pds' && row.namedBy !== 'relay') return false
    const ours = (path: string) => path.startsWith(this.#options.prefix)
    if (message?.kind !== 'commit' || !message.ops.some((op) => ours(op.path))) return false
    const { admitMs } = this.#options.limits
    return async () => {
      await pause(this.admit(did, false), admitMs, this.#options.timers)
      return false
    }
  }

  /** Follows an account; throws when storage is away. */
  async follow(account: Followed): Promise<void> {
    await this.#options.store.follow(account)
    const before = this.#homes.get(account.did)
    this.#setHome(account)
    this.#options.onFollow(account, before)
  }

  /** Takes note of an account as its document says now: one that is known and lives where it would
   *  not be heard, or elsewhere than before, is followed there. Throws when storage is away. */
  async fresh({ did, pds }: Identity): Promise<void> {
    if (this.#seen.get(did) === pds) return
    const known = (await this.#options.store.standings([did])).get(did)
    const isHeard = this.#options.isWhole(pds) || this.#homes.get(did) === pds
    if (known && (!isHeard || (known.pds !== null && known.pds !== pds))) {
      this.#options.log.info({ did, from: known.pds, to: pds }, 'an account has moved')
      await this.follow({ did, pds })
    }
    this.#seen.set(did, pds)
  }

  /** Finds out who an account is and follows it. With `ifActive` only when its PDS has it, for
   *  lists that name deleted ones too. Gives up quietly after some attempts. */
  admit(did: string, ifActive: boolean): Promise<void> {
    const begun = this.#naming.get(did)
    if (begun || this.#homes.has(did)) return begun ?? Promise.resolve()
    if (this.#naming.size >= WAITING_MAX || this.#homes.size >= this.#options.limits.followed) {
      this.#options.log.warn({ did }, 'too many accounts are followed or looked up')
      return Promise.resolve()
    }
    const admitted = this.#abreastOf(() => this.#attempt(did, ifActive))
    const ended = admitted.finally(() => void this.#naming.delete(did))
    this.#naming.set(did, ended)
    return ended
  }

  /** Asked until storage answers: meanwhile nobody can say who is a stranger. */
  async #isKnown(did: string): Promise<boolean> {
    const { store, limits, log } = this.#options
    const found = await persist(() => store.standings([did]), {
      ...this.#options,
      retry: limits.retry,
      failed: (err) => log.warn({ did, err }, 'storage does not say whether an account is known'),
    })
    return found?.has(did) ?? false
  }

  #setHome({ did, pds }: Followed): void {
    const before = this.#homes.get(did)
    if (before !== undefined) this.#perHost.set(before, this.followedAt(before) - 1)
    this.#perHost.set(pds, this.followedAt(pds) + 1)
    this.#homes.set(did, pds)
  }

  async #attempt(did: string, ifActive: boolean): Promise<void> {
    const { limits, signal, log } = this.#options
    for (let n = 0; n < ATTEMPTS && !signal.aborted; n += 1) {
      try {
        return await this.#admitOnce(did, ifActive)
      } catch (err) {
        log.info({ did, err }, 'an account that was named cannot be followed now')
        await backOff(limits.retry, n, this.#options)
      }
    }
  }

  async #admitOnce(did: string, ifActive: boolean): Promise<void> {
    const { api, limits, resolver, serviceOf, proveHandle } = this.#options
    const identity = await resolver.resolve(did)
    if (!identity || this.#options.isWhole(identity.pds)) return
    const { pds } = identity
    if (this.followedAt(pds) >= limits.followedPerHost) return
    if (ifActive && !(await api.repoStatus(serviceOf(pds), did))?.active) return
    const handle = await proveHandle(identity)
    await this.follow({ did, pds, ...(handle !== undefined && { handle }) })
  }

  async #abreastOf(work: () => Promise<void>): Promise<void> {
    if (this.#abreast >= ABREAST) await new Promise<void>((go) => void this.#queue.push(go))
    else this.#abreast += 1
    try {
      await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#abreast -= 1
    }
  }
}

/** What may tell of a move. A relay's word on a status cannot be held against the document, and
 *  must not hide anybody whose own host is heard. */
function tellsWhere({ kind }: HostRow, message: Message): boolean {
  return message.kind === 'identity' || (message.kind === 'account' && kind === 'pds')
}
