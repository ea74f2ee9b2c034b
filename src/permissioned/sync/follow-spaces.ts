import type { Timers } from '../../clock.ts'
import type { Signer } from '../../crypto/ecdsa.ts'
import type { IdentityResolver } from '../../identity/resolver.ts'
import type { Log } from '../../log.ts'
import type { RepoOutcome } from './asking.ts'
import { createCredentials } from './use-credentials.ts'
import type { FollowStore } from './follow-store.ts'
import { hostOf } from './obtain-credential.ts'
import { RepoRuns } from './repo-runs.ts'
import type { SpaceSink } from '../sink.ts'
import type { RepoPage, SpaceApi } from './space-api.ts'
import { parseSpace } from '../space-ref.ts'
import { SpaceVisits } from './space-visits.ts'
import { SYNC_LIMITS, type SyncLimits } from './sync-limits.ts'
import { authorityOf, isDue } from './visit-space.ts'

/** What following spaces needs of the node. */
export type FollowSpacesOptions = {
  store: FollowStore
  sink: SpaceSink
  api: SpaceApi
  resolver: Pick<IdentityResolver, 'resolve' | 'document'>
  isHosted: (did: string) => boolean | Promise<boolean>
  /** A fresh delegation token of a local account for a space, from the grant it has given this
   *  node; undefined when there is no grant any more, or no such account. */
  delegate: (space: string, did: string) => Promise<string | undefined>
  /** A credential of an authority hosted here, bound to a did:key. */
  issue: (space: string, keyId: string) => Promise<string>
  /** The repos of a space of an authority hosted here, as `listRepos` would tell them. */
  ownRepos: (space: string, cursor: string | null) => Promise<RepoPage>
  /** `did#fragment` of this node's DID document that writes are told to */
  service: string
  timers: Timers
  log: Log
  limits?: Partial<SyncLimits>
  /** Makes the key a credential is bound to; a fresh P-256 key unless a test decides. */
  newKey?: () => Signer
}

/** What an authority tells of a write; the caller has checked that it is the authority. */
export type WriteNotice = {
  space: string
  repo: string
  repoRev: string
  hash: Uint8Array
  spaceRev: string
  /** absent for the first write of a space */
  prevSpaceRev?: string
}

/** Keeps copies of spaces of other nodes, and of members' repos elsewhere in spaces of this one. */
export type SpaceFollowing = {
  /** A local account was given access to a space, and has given this node a grant to read it; or,
   *  without a reader, a space of an authority hosted here has members elsewhere. */
  follow(space: string, reader?: string): Promise<void>
  /** A local account has no access any more, or has taken its grant back. */
  unfollow(space: string, reader: string): Promise<void>
  /** Takes in a notification; false when the space is not followed. */
  notified(notice: WriteNotice): Promise<boolean>
  /** The authority has deleted the space: its copy is removed. False when it is not followed. */
  spaceDeleted(space: string): Promise<boolean>
  /** Brings one repo up to date at once and says how that has ended. */
  fetchNow(space: string, did: string): Promise<RepoOutcome>
  state(): { running: number; resting: readonly string[] }
  /** Settles when nothing is asked or stored any more. A start goes on where it ended. */
  close(): Promise<void>
}

/** Goes on following all spaces in the store. */
export async function startFollowingSpaces(options: FollowSpacesOptions): Promise<SpaceFollowing> {
  const following = new Following(options)
  await following.start()
  return following
}

class Following implements SpaceFollowing {
  readonly #options: FollowSpacesOptions
  readonly #stop = new AbortController()
  readonly #limits: SyncLimits
  readonly #credentials: ReturnType<typeof createCredentials>
  readonly #runs: RepoRuns
  readonly #visits: SpaceVisits
  /** the last notification of each space: they are taken in one after the other */
  readonly #turns = new Map<string, Promise<boolean>>()

  constructor(options: FollowSpacesOptions) {
    this.#options = options
    this.#limits = { ...SYNC_LIMITS, ...options.limits }
    const shared = { ...options, limits: this.#limits, signal: this.#stop.signal }
    const credentials = createCredentials(shared)
    this.#credentials = credentials
    const lost = (space: string) => this.#visits.wake(space, { afresh: true })
    this.#runs = new RepoRuns({ ...shared, credentials, lost })
    this.#visits = new SpaceVisits({
      ...shared,
      credentials,
      hostOf: (authority) => hostOf(authority, options),
      forget: (space, reason) => this.#forget(space, reason),
      found: () => this.#runs.wake(),
    })
  }

  start(): Promise<void> {
    return this.#visits.start()
  }

  async follow(space: string, reader?: string): Promise<void> {
    const { store, timers } = this.#options
    authorityOf(space)
    await store.follow(space, reader ?? null, timers.now())
    this.#visits.wake(space, { afresh: true })
  }

  async unfollow(space: string, reader: string): Promise<void> {
    await this.#options.store.unfollow(space, reader)
    // What it had obtained must not serve any longer; the others ask for their own.
    this.#credentials.drop(space)
    this.#visits.wake(space, { afresh: true })
  }

  notified(notice: WriteNotice): Promise<boolean> {
    const { space } = notice
    const before = this.#turns.get(space) ?? Promise.resolve(false)
    const turn = before.catch(() => false).then(() => this.#takeIn(notice))
    this.#turns.set(space, turn)
    const ended = () => {
      if (this.#turns.get(space) === turn) this.#turns.delete(space)
    }
    turn.then(ended, ended)
    return turn
  }

  async spaceDeleted(space: string): Promise<boolean> {
    const { store } = this.#options
    if ((await store.spaceOf(space)) === undefined) return false
    await store.stop(space, 'SpaceDeleted', this.#askAgainAt())
    this.#visits.wake(space, { afresh: true })
    return true
  }

  async fetchNow(space: string, did: string): Promise<RepoOutcome> {
    const { store, timers, isHosted } = this.#options
    if (await isHosted(did)) return { ok: true, rev: undefined }
    await this.#followOwn(space)
    const isFollowed = await store.note(space, { dids: [did], now: timers.now() })
    if (!isFollowed) return { ok: false, reason: 'NotFollowed', detail: space }
    return this.#runs.now(space, did)
  }

  state() {
    return this.#runs.state()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#turns.values())
    await Promise.all([this.#visits.close(), this.#runs.close()])
  }

  /** What a notification says is a hint that saves asking, and only where it follows on what is
   *  known. Another one means that something was missed. */
  async #takeIn(notice: WriteNotice): Promise<boolean> {
    const { store, timers } = this.#options
    const { space, repo: did, spaceRev, prevSpaceRev = null } = notice
    await this.#followOwn(space)
    const row = await store.spaceOf(space)
    if (row?.state !== 'following') return false
    const dids = (await isDue(space, { ...notice, did }, this.#options)) ? [did] : []
    const follows = row.checkpoint === prevSpaceRev
    const move = follows ? { from: prevSpaceRev, to: spaceRev } : undefined
    await store.note(space, { dids, now: timers.now(), ...(move && { move }) })
    if (!follows && spaceRev !== row.checkpoint) this.#visits.wake(space)
    this.#runs.wake()
    return true
  }

  /** Spaces of authorities hosted here are followed as soon as somebody from elsewhere writes. */
  async #followOwn(space: string): Promise<void> {
    const { store, isHosted } = this.#options
    const authority = parseSpace(space)?.authority
    if (authority === undefined || !(await isHosted(authority))) return
    if ((await store.spaceOf(space)) === undefined) await this.follow(space)
  }

  /**
   * Removes the copy of a space. The rule: a copy is kept only while some account of this node may
   * read the space, on the word of the authority's own host that its newest document names, and
   * there is no time of grace. Whoever is refused a credential by mistake gets the copy again with
   * the next one, which costs a download; a copy kept by mistake is a secret kept from its owners.
   * That nobody answers is no refusal: then the copy stays, and its credential ends by itself.
   */
  async #forget(space: string, reason: string): Promise<void> {
    const { store, sink } = this.#options
    // First that it is to be removed: after a crash anywhere in between that goes on.
    await store.stop(space, reason, this.#askAgainAt())
    this.#credentials.drop(space)
    const release = await this.#runs.halt(space)
    try {
      await sink.forget(space)
      await store.forgotten(space)
    } finally {
      release()
    }
  }

  #askAgainAt(): Date {
    const { timers } = this.#options
    return new Date(timers.now().getTime() + this.#limits.askAgainMs)
  }
}
