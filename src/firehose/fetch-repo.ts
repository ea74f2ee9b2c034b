import type { Timers } from '../clock.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { untilAborted } from '../pacing/unless-aborted.ts'
import { spoolCar } from './car-spool.ts'
import { readCommit } from './commit-object.ts'
import type { HostApi } from './host-api.ts'
import { cidKey } from './car.ts'
import type { SpoolOptions } from './spool.ts'
import { type AccountStatus, KEPT_BACK } from './standing.ts'
import type { Claim, SyncStore } from './store.ts'
import { takeOver } from './take-over.ts'

/** What fetching repos needs. */
export type FetchOptions = {
  store: Pick<SyncStore, 'standings' | 'held' | 'resyncPage'>
  api: Pick<HostApi, 'repo' | 'repoStatus'>
  resolver: Pick<IdentityResolver, 'resolve'> & Partial<Pick<IdentityResolver, 'document'>>
  /** Where the PDS of this origin is reached. */
  serviceOf: (pds: string) => string
  /** Called with an account fetched afresh: it may have moved. */
  onFresh?: (identity: Identity) => Promise<void>
  /** beginning of the NSIDs of the collections that records are kept of; empty for all */
  prefix: string
  timers: Timers
  signal: AbortSignal
  spool: SpoolOptions
}

/** How fetching a repo has ended. */
export type Outcome =
  | { ok: true; rev: string; data: string; upstream: AccountStatus; facts: Facts }
  | Failure

/** Why a repo could not be fetched. */
export type Failure = {
  ok: false
  reason: string
  detail: string
  /** what its PDS has told of the account instead */
  upstream?: AccountStatus
  /** whether the PDS has answered, when it was asked */
  answered?: boolean
}

/** For the log. */
type Facts = { written: number; skipped: number; blocks: number; named: readonly string[] }

/** An account without a document or a PDS is believed to be gone after so many looks. */
const LOOKS = 5

/** Says who the account is now, or why its repo cannot be asked for. */
export async function identify(
  { did, attempts }: Pick<Claim, 'did' | 'attempts'>,
  options: Pick<FetchOptions, 'resolver' | 'onFresh'>,
): Promise<Identity | Failure> {
  const { resolver, onFresh } = options
  try {
    const identity = await resolver.resolve(did, { refresh: true })
    if (identity) {
      await onFresh?.(identity)
      return identity
    }
    const detail = 'it has no document with a key and a PDS'
    const failure = { ok: false, reason: 'NoIdentity', detail } as const
    if (attempts + 1 < LOOKS) return failure
    const isThere = !resolver.document || (await resolver.document(did)) !== undefined
    return { ...failure, upstream: isThere ? 'unidentified' : 'deleted' }
  } catch (error) {
    if (!(error instanceof IdentityUnavailable)) throw error
    return { ok: false, reason: 'IdentityUnavailable', detail: error.message }
  }
}

/** Fetches a repo that is claimed from the account's own PDS, verifies it and takes it over. The
 *  repo is whole afterwards, and still in-progress. Throws when storage is away or on abort. */
export async function fetchRepo(identity: Identity, options: FetchOptions): Promise<Outcome> {
  const { api, serviceOf } = options
  const { did } = identity
  const service = serviceOf(identity.pds)
  try {
    const status = await api.repoStatus(service, did)
    if (status === undefined) return failed('RepoNotFound', `${service} does not know it`)
    if (!status.active) {
      const upstream = statusOf(status.status)
      return { ...failed('Inactive', `${service} says ${upstream}`), upstream }
    }
    const repo = await api.repo(service, did)
    if (!repo.ok) return failed(repo.reason, repo.detail)
    return await take(repo.body, identity, options)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    const answered = error.reason !== 'Unreachable'
    return { ok: false, reason: error.reason, detail: error.message, answered }
  }
}

/** A status that contradicts itself hides the account all the same. */
function statusOf(status: string | undefined): AccountStatus {
  return status === undefined || status === 'active' ? 'inactive' : status
}

function failed(reason: string, detail: string): Failure {
  const upstream = KEPT_BACK[reason]
  const told = { ok: false, reason, detail, answered: true } as const
  return upstream === undefined ? told : { ...told, upstream }
}

async function take(
  body: AsyncIterable<Uint8Array>,
  identity: Identity,
  options: FetchOptions,
): Promise<Outcome> {
  const { store, timers, spool } = options
  const { did } = identity
  const breathe = () => timers.breathe()
  const car = await spoolCar(untilAborted(body, options.signal), { ...spool, breathe })
  if (!car.ok) return failed(car.reason, car.detail)
  await using _ = car
  const block = car.get(car.root)
  if (block === undefined) return failed('MissingCommit', 'the CAR does not hold its root')
  const commit = readCommit(block, identity, timers.now())
  if (!commit.ok) return failed(commit.reason, commit.detail)
  const { rev, data } = commit
  const held = (await store.standings([did])).get(did)?.rev
  if (held != null && rev < held) return failed('OlderRev', `${rev} after ${held}`)
  const { blocks, get } = car
  const repo = { did, rev, tree: cidKey(data.bytes), blocks, get }
  const taken = await takeOver(repo, { ...options, breathe })
  if (!taken.ok) return failed(taken.reason, taken.detail)
  const { written, skipped, named } = taken
  const facts = { written, skipped, blocks, named: [...named] }
  return { ok: true, rev, data: data.$link, upstream: 'active', facts }
}
