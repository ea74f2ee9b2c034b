import type { Timers } from '../../src/clock.ts'
import { type Signer, signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { makeCredential } from '../../src/permissioned/credential.ts'
import { makeDelegation } from '../../src/permissioned/delegation.ts'
import type { FollowSpacesOptions } from '../../src/permissioned/follow-spaces.ts'
import type { Asked, OpsPage, RepoPage, SpaceApi } from '../../src/permissioned/space-api.ts'
import { createTids } from '../../src/tid.ts'
import { type Door, checkedExchange, checkedUse, refuse } from './space-doors.ts'
import { TrueRepo, type Write } from './true-repo.ts'

/** What an authority's host knows of a space. */
export type TrueSpace = {
  authority: string
  members: Set<string>
  /** in the order of `spaceRev` */
  writers: { did: string; repoRev: string; hash: Uint8Array; spaceRev: string }[]
  refusal?: string
  registrations: number
}

/** What a host or what it answers is made to be, for one test. */
export type Trouble = {
  /** Throws, or waits, before a host answers. */
  before?: (service: string, method: string, did: string) => Promise<void> | void
  ops?: (page: OpsPage, repo: TrueRepo) => OpsPage | Promise<OpsPage>
  car?: (repo: TrueRepo) => AsyncIterable<Uint8Array>
  list?: (page: RepoPage) => RepoPage
  headers?: (did: string, headers: Asked['headers']) => void
  refuse?: (did: string) => string | undefined
  refuseCredential?: (service: string) => string | undefined
}

/** Seconds a credential holds in this world. */
export const LIFETIME_S = 600
const PAGE = 3

/** Accounts, their hosts and their spaces: real keys, tokens, commits and CARs, and no network. */
export class SpaceWorld {
  readonly timers: Timers
  readonly nextTid: () => string
  readonly signers = new Map<string, Signer>()
  readonly homes = new Map<string, string>()
  readonly spaces = new Map<string, TrueSpace>()
  readonly repos = new Map<string, TrueRepo>()
  readonly hosted = new Set<string>()
  /** what a cache of documents says until it is refreshed */
  readonly stale = new Map<string, Identity>()
  readonly grants = new Set<string>()
  readonly revoked = new Set<string>()
  /** what was asked, `method did` */
  readonly asked: string[] = []
  /** tokens that were given, newest last */
  readonly credentials: string[] = []
  trouble: Trouble = {}
  readonly #used = new Set<string>()
  /** what repos have had, also those that are gone */
  readonly #ever = new Map<string, Set<string>>()

  constructor(timers: Timers) {
    this.timers = timers
    this.nextTid = createTids(timers)
  }

  account(did: string, home: string): void {
    this.homes.set(did, home)
    const seed = Buffer.alloc(32, 1)
    Buffer.from(did).copy(seed, 0, Math.max(0, did.length - 31))
    this.signers.set(did, signerFromPrivateKey(seed))
  }

  space(uri: string, authority: string): TrueSpace {
    const space = { authority, members: new Set<string>(), writers: [], registrations: 0 }
    this.spaces.set(uri, space)
    return space
  }

  /** Whether a repo has ever had the record. */
  had(space: string, did: string, record: string): boolean {
    return this.#ever.get(`${space} ${did}`)?.has(record) ?? false
  }

  repo(space: string, author: string): TrueRepo {
    const known = this.repos.get(`${space} ${author}`)
    if (known) return known
    const sign = async (bytes: Uint8Array) => this.signers.get(author)!.sign(bytes)
    const ever = this.#ever.get(`${space} ${author}`) ?? new Set<string>()
    this.#ever.set(`${space} ${author}`, ever)
    const repo = new TrueRepo({ space, author, sign, ever })
    this.repos.set(`${space} ${author}`, repo)
    return repo
  }

  /** Writes, tells the authority, and says what it would tell a syncer. */
  write(space: string, did: string, writes: readonly Write[]) {
    const repo = this.repo(space, did)
    repo.write(this.nextTid(), writes)
    const { writers } = this.spaces.get(space)!
    const prevSpaceRev = writers.at(-1)?.spaceRev
    const at = writers.findIndex((writer) => writer.did === did)
    if (at >= 0) writers.splice(at, 1)
    const told = { repoRev: repo.rev, hash: repo.digest, spaceRev: this.nextTid() }
    writers.push({ did, ...told })
    return { space, repo: did, ...told, ...(prevSpaceRev !== undefined && { prevSpaceRev }) }
  }

  identity(did: string): Identity | undefined {
    const [pds, signer] = [this.homes.get(did), this.signers.get(did)]
    if (pds === undefined || signer === undefined) return undefined
    const document = {
      id: did,
      service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds }],
    }
    return { did, pds, signingKey: signer.didKey, document }
  }

  /** What the node hands to the syncer. */
  ports(): Omit<FollowSpacesOptions, 'store' | 'sink' | 'timers' | 'log'> {
    return {
      service: 'did:web:here.example.com#angelos_appview',
      api: this.api(),
      resolver: {
        resolve: async (did, how) => this.#cached(did, how?.refresh),
        document: async (did, how) => this.#cached(did, how?.refresh)?.document,
      },
      isHosted: (did) => this.hosted.has(did),
      delegate: async (space, did) => {
        if (!this.grants.has(`${space} ${did}`)) return undefined
        const sign = async (bytes: Uint8Array) => this.signers.get(did)!.sign(bytes)
        return makeDelegation({ did, space, now: this.timers.now(), sign })
      },
      issue: (space, key) => this.issue(space, key),
      ownRepos: async (space, cursor) => this.page(space, cursor),
    }
  }

  unreachable(): OutboundError {
    return new OutboundError('Unreachable', 'it does not answer')
  }

  #cached(did: string, refresh = false): Identity | undefined {
    if (refresh) this.stale.delete(did)
    return this.stale.get(did) ?? this.identity(did)
  }

  async issue(space: string, key: string): Promise<string> {
    const { authority } = this.spaces.get(space)!
    const sign = async (bytes: Uint8Array) => this.signers.get(authority)!.sign(bytes)
    const now = this.timers.now()
    const { token } = await makeCredential({ space, key, now, sign, lifetime: LIFETIME_S })
    this.credentials.push(token)
    return token
  }

  page(space: string, cursor: string | null): RepoPage {
    const { writers } = this.spaces.get(space)!
    const repos = writers.filter(({ spaceRev }) => spaceRev > (cursor ?? '')).slice(0, PAGE)
    return repos.length === 0 ? { repos } : { repos, cursor: repos.at(-1)!.spaceRev }
  }

  api(): SpaceApi {
    const enter = async (door: Door, method: string, did: string) => {
      this.asked.push(`${method} ${did}`)
      await this.trouble.before?.(door.service, method, did)
      if (this.homes.get(did) !== door.service) throw this.unreachable()
      this.trouble.headers?.(did, door.headers)
      const name = this.trouble.refuse?.(did)
      if (name !== undefined) return refuse(name)
      return checkedUse(this, door, did)
    }
    return {
      credential: async (door) => {
        const space = this.spaces.get(door.space)!
        this.asked.push(`credential ${space.authority}`)
        await this.trouble.before?.(door.service, 'credential', space.authority)
        const name = this.trouble.refuseCredential?.(door.service)
        if (name !== undefined) return refuse(name)
        const found = checkedExchange(this, door, this.#used)
        if (!found.ok) return found
        if (space.refusal !== undefined) return refuse(space.refusal)
        if (!space.members.has(found.did)) return refuse('UserNotAuthorized')
        return { ok: true, credential: await this.issue(door.space, found.key) }
      },
      listRepos: async (door, cursor) => {
        const { authority } = this.spaces.get(door.space)!
        const refused = await enter(door, 'listRepos', authority)
        if (refused) return refused
        const page = this.page(door.space, cursor)
        return { ok: true, ...(this.trouble.list?.(page) ?? page) }
      },
      registerNotify: async (door) => {
        const space = this.spaces.get(door.space)!
        const refused = await enter(door, 'registerNotify', space.authority)
        if (refused) return refused
        space.registrations += 1
        const until = new Date(this.timers.now().getTime() + 24 * 3_600_000)
        return { ok: true, until }
      },
      repoOps: async (door, { repo: did, since, cursor }) => {
        const refused = await enter(door, 'repoOps', did)
        const repo = this.repos.get(`${door.space} ${did}`)
        if (refused ?? !repo) return refused ?? refuse('RepoNotFound')
        const page = await repo!.page(since, cursor, PAGE)
        return { ok: true, ...((await this.trouble.ops?.(page, repo!)) ?? page) }
      },
      repo: async (door, did) => {
        const refused = await enter(door, 'repo', did)
        const repo = this.repos.get(`${door.space} ${did}`)
        if (refused ?? !repo) return refused ?? refuse('RepoNotFound')
        return { ok: true, body: this.trouble.car?.(repo!) ?? repo!.car() }
      },
    }
  }
}
