import type { AccountEvent, CommitEvent, FirehoseEvent, RecordWrite, SyncEvent } from './event.ts'
import { type AccountStatus, NEW, type Standing, UNCONFIRMED, isActive } from './standing.ts'
import { Planning, SYNCHRONIZED } from './planning.ts'
import type { Applied } from './store.ts'

/** A write whose turn has come, with the revision that brought it. `hidden` when its account is not
 *  active, so that it is kept and not shown. */
export type PlannedWrite = RecordWrite & { readonly rev: string; readonly hidden: boolean }

/** Something refused that is kept for the operator; `frame` is empty when there is none. */
export type KeptRefusal = {
  readonly seq: number
  readonly did: string
  readonly reason: string
  readonly detail: string
  readonly frame: Uint8Array
}

/** When and why a repo is to be fetched; `at` and `reason` are null when it is not. */
export type Due = {
  readonly reason: string | null
  readonly at: Date | null
  /** what becomes of the number of failures: it stays, begins anew, or is one more */
  readonly attempts: 'same' | 'none' | 'more'
}

/** What becomes of an account's row. */
export type AccountChange = {
  readonly standing: Standing
  /** null takes the handle away; absent leaves what there is */
  readonly handle?: string | null
  /** absent leaves what there is */
  readonly due?: Due
}

/** What a store has to do, in this order: forget, write, hide, the accounts' rows, and show. */
export type Plan = {
  /** accounts whose records are to be deleted */
  readonly forget: readonly string[]
  /** in the order told */
  readonly writes: readonly PlannedWrite[]
  readonly hide: readonly string[]
  readonly show: readonly string[]
  /** of every account with a standing that is new or another; also those just heard of */
  readonly changes: ReadonlyMap<string, AccountChange>
  readonly refused: readonly KeptRefusal[]
  /** the outcomes of writes are the store's to add, and whom they name */
  readonly told: Omit<Applied, 'named'>
}

type Standings = ReadonlyMap<string, Standing>

/**
 * Decides what a batch does to what is held, by the rules of https://atproto.com/specs/sync, and
 * does nothing itself. `standings` holds every account known that an event names.
 */
export function planBatch(events: readonly FirehoseEvent[], standings: Standings, now: Date): Plan {
  const planning = new Planning(standings, now)
  for (const event of events) planOne(planning, event)
  return planning.end()
}

/** What the end of a fetch does: unless something happened meanwhile that made it worthless, the
 *  repo is where it was fetched, and then comes what was queued. The cursor has passed all that was
 *  handed out to be queued, and it may not have arrived: what ends before it is fetched again. */
export function planFetched(
  standing: Standing,
  end: {
    rev: string
    data: string
    pds: string
    upstream: AccountStatus
    queued: readonly FirehoseEvent[]
  },
  now: Date,
): Plan {
  const { did } = standing
  const planning = new Planning(new Map([[did, standing]]), now)
  if (standing.state === 'in-progress') {
    const { rev, data, pds } = end
    planning.change(did, { state: 'synchronized', rev, data, pds }, SYNCHRONIZED)
    planning.seen(did)
    // A fetched repo is whole whatever its account was before.
    takeStatus(planning, did, end.upstream, { fetched: true })
  }
  for (const event of end.queued) planOne(planning, event)
  const { state, rev, handedOut } = planning.of(did)
  const lacks = rev !== null && handedOut !== null && rev < handedOut
  if (state === 'synchronized' && lacks) planning.desynchronize(did, 'NotBrought')
  return planning.end()
}

/** What the failure of a fetch does. Its PDS may have told why: then the account gets that status,
 *  unless something happened meanwhile. */
export function planFailed(
  standing: Standing,
  failure: { reason: string; retryAt: Date; upstream?: AccountStatus },
  now: Date,
): Plan {
  const { did } = standing
  const { upstream, reason } = failure
  const planning = new Planning(new Map([[did, standing]]), now)
  if (standing.state === 'synchronized') return planning.end()
  const due = { reason, at: failure.retryAt, attempts: 'more' } as const
  planning.change(did, { state: 'desynchronized' }, due)
  const valid = upstream !== undefined && standing.state === 'in-progress'
  if (valid) takeStatus(planning, did, upstream, { fetched: true })
  return planning.end()
}

function planOne(planning: Planning, event: FirehoseEvent): void {
  switch (event.kind) {
    case 'commit':
    case 'sync':
      return planMove(planning, event)
    case 'identity':
      return planIdentity(planning, event)
    case 'account':
      return planAccount(planning, event)
    case 'refused':
      planning.refuse(event)
      if (event.moved) loseTrack(planning, event.did, event.reason)
      return planning.count('refused')
    case 'lost':
      planUnjudged(planning, event)
      return planning.count('lost')
  }
}

/** A repo has moved on to a signed commit. */
function planMove(planning: Planning, event: CommitEvent | SyncEvent): void {
  const { did } = event
  const standing = planning.of(did)
  planning.seen(did)
  if (standing.upstream === 'deleted') return planning.count('gone')
  if (!isActive(standing)) {
    planning.desynchronize(did, 'Inactive')
    return planning.count('inactive')
  }
  if (standing.state === 'desynchronized') {
    if (isFirst(event, standing)) return planning.apply(event)
    if (standing.reason === NEW) planning.desynchronize(did, 'Gap')
    return planning.count('dropped')
  }
  if (standing.state === 'in-progress') return planning.queue(event)
  if (event.kind === 'sync') return planSync(planning, event, standing)
  if (standing.rev !== null && event.rev <= standing.rev) return planning.count('older')
  if (event.since !== standing.rev || event.prevData !== standing.data) {
    planning.desynchronize(did, 'Gap')
    return planning.count('gap')
  }
  planning.apply(event)
}

/** Whether it is the first commit of a repo of which nothing else was seen. */
function isFirst(event: CommitEvent | SyncEvent, held: Standing): event is CommitEvent {
  if (event.kind !== 'commit' || held.reason !== NEW || held.rev !== null) return false
  return event.since === null && event.prevData === null
}

function planSync(planning: Planning, event: SyncEvent, held: Standing): void {
  const { did, rev, data } = event
  if (held.rev !== null && rev < held.rev) return planning.count('older')
  if (data === held.data) planning.change(did, { rev })
  else planning.desynchronize(did, 'Sync')
  planning.count('sync')
}

function planIdentity(planning: Planning, event: FirehoseEvent & { kind: 'identity' }): void {
  const { did, pds, handle = null } = event
  planning.count('identity')
  if (planning.of(did).upstream === 'deleted') return
  if (!planning.knows(did)) planning.discover(did)
  planning.name(did, handle)
  if (pds !== undefined) takePds(planning, did, pds)
}

/** The answer of a host that the account has left meanwhile is about what was. It is
 *  fetched where it lives now, and that tells its status. */
function planAccount(planning: Planning, event: AccountEvent): void {
  const { did, lived } = event
  if (lived !== undefined && lived !== planning.of(did).pds) return planning.count('elsewhere')
  takeStatus(planning, did, statusOf(event))
  planning.count('account')
}

/** What could not be judged may have been that the account is back: only its PDS knows. */
function planUnjudged(planning: Planning, { did, reason }: FirehoseEvent & { kind: 'lost' }): void {
  const { upstream } = planning.of(did)
  if (upstream === 'active' || upstream === 'deleted') return loseTrack(planning, did, reason)
  planning.change(did, { upstream: UNCONFIRMED })
  planning.desynchronize(did, reason, { afresh: true })
}

/** Takes over where an account lives. */
export function takePds(planning: Planning, did: string, pds: string): void {
  const { upstream, pds: before } = planning.of(did)
  if (pds === before) return
  planning.change(did, { pds })
  if (before === null && upstream === 'active') return
  // What another host told of the account counts no more, and this one may have more of it.
  if (upstream !== 'active') planning.change(did, { upstream: UNCONFIRMED })
  planning.desynchronize(did, 'Moved', { afresh: true })
}

/** A name that would say "active" of an account that is not does not count. */
export function statusOf({
  active,
  status,
}: Pick<AccountEvent, 'active' | 'status'>): AccountStatus {
  if (active) return 'active'
  return status === undefined || status === 'active' ? 'inactive' : status
}

/** Takes over the status that an account's host tells. */
export function takeStatus(
  planning: Planning,
  did: string,
  upstream: AccountStatus,
  { fetched = false } = {},
): void {
  if (!planning.knows(did)) planning.discover(did)
  const before = planning.of(did)
  planning.change(did, {})
  if (upstream === before.upstream) return
  if (upstream === 'deleted') return planning.forget(did)
  planning.change(did, { upstream })
  if (fetched) return
  if (before.upstream === 'deleted' || upstream === 'active')
    planning.desynchronize(did, 'ActiveAgain', { afresh: true })
  else if (before.state === 'in-progress') planning.desynchronize(did, 'Inactive')
  else if (upstream === UNCONFIRMED) planning.desynchronize(did, 'Unconfirmed')
}

/** What is held of the repo can no longer be built upon. */
export function loseTrack(planning: Planning, did: string, reason: string): void {
  if (did === '' || planning.of(did).upstream === 'deleted') return
  planning.desynchronize(did, reason)
}
