import type { SignedCommit } from './commit.ts'

/** Why a host does not do what it was asked: an XRPC error name of its answer. */
export type Refused = { readonly ok: false; readonly name: string }

/** What a host has answered, or by which name it has refused. */
export type Answer<T> = (T & { readonly ok: true }) | Refused

/** Whom to ask about which space: a host's origin, and the headers that carry the credential. */
export type Asked = {
  readonly service: string
  readonly space: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** A repo as a space's authority lists it. What it says is a hint; the repo's host knows. */
export type ListedRepo = {
  readonly did: string
  readonly repoRev: string
  /** the digest that the repo's commit states, 32 bytes */
  readonly hash: Uint8Array
  readonly spaceRev: string
}

/** A part of the list of repos, oldest change first; the empty one ends it. */
export type RepoPage = { readonly repos: readonly ListedRepo[]; readonly cursor?: string }

/** One operation of a repo's log. */
export type RepoOp = {
  readonly rev: string
  readonly collection: string
  readonly rkey: string
  /** null when the record was deleted */
  readonly cid: string | null
  /** null when there was none before */
  readonly prev: string | null
  /** the record as a block; absent where the host has left it out, or it can be none */
  readonly bytes?: Uint8Array
}

/** A part of a repo's log; with a cursor there is more, and without one a commit. */
export type OpsPage = {
  readonly ops: readonly RepoOp[]
  readonly commit?: SignedCommit
  readonly cursor?: string
}

/** What is asked of space hosts and repo hosts (`com.atproto.space.*`). Every call is limited in
 *  time and size; `OutboundError` is thrown when the host does not answer or answers nonsense, so
 *  that it is asked again later. */
export type SpaceApi = {
  /** Exchanges the delegation token in the headers for a credential. */
  credential(asked: Asked): Promise<Answer<{ credential: string }>>
  listRepos(asked: Asked, cursor: string | null): Promise<Answer<RepoPage>>
  /** Has writes told to the service `did#fragment` until the time that is answered. */
  registerNotify(asked: Asked, service: string): Promise<Answer<{ until: Date }>>
  /** Operations after the revision `since`, from `cursor` on where there is one. */
  repoOps(
    asked: Asked,
    from: { repo: string; since: string; cursor?: string },
  ): Promise<Answer<OpsPage>>
  /** The whole repo as a CAR in pieces. */
  repo(asked: Asked, repo: string): Promise<Answer<{ body: AsyncIterable<Uint8Array> }>>
}
