import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { unlessAborted } from '../pacing/unless-aborted.ts'
import { AccessLost } from './access-lost.ts'
import type { Credentials } from './reading-credentials.ts'
import type { FollowStore, FollowedSpace } from './follow-store.ts'
import { SetHash, sameHash } from './set-hash.ts'
import type { SpaceSink } from './sink.ts'
import type { Answer, Asked, ListedRepo, RepoPage, SpaceApi } from './space-api.ts'
import { parseSpace } from './space-ref.ts'
import type { SyncLimits } from './sync-limits.ts'

/** What asking a space's authority needs. */
export type VisitPorts = {
  store: Pick<FollowStore, 'note' | 'registered' | 'swept' | 'resume'>
  sink: Pick<SpaceSink, 'stateOf'>
  api: Pick<SpaceApi, 'listRepos' | 'registerNotify'>
  credentials: Pick<Credentials, 'use'>
  /** Where the spaces of an account are asked about. */
  hostOf: (authority: string) => Promise<string>
  isHosted: (did: string) => boolean | Promise<boolean>
  /** The repos of a space of an authority hosted here, as `listRepos` would tell them. */
  ownRepos: (space: string, cursor: string | null) => Promise<RepoPage>
  /** `did#fragment` that this node is told of writes by */
  service: string
  timers: Timers
  limits: SyncLimits
  signal: AbortSignal
  log: Log
}

/** A registration is renewed when so much is left of it at most. */
const RENEW_MS = 6 * 3_600_000
const LONGEST_MS = 24 * 3_600_000

/**
 * Asks the authority what has changed after the checkpoint and makes due what is not held as it
 * says; in its turn asks for all repos, and makes all of them due. Keeps the registration for
 * notifications alive. A space that was stopped is followed again when a credential is given.
 * Throws `AccessLost`, and when the authority does not answer `OutboundError` or what credentials
 * throw.
 */
export async function visitSpace(row: FollowedSpace, ports: VisitPorts): Promise<void> {
  const { timers, limits, store } = ports
  const { space, state, checkpoint } = row
  // Who registers before reading the list misses nothing in between.
  await register(row, ports)
  if (state === 'stopped') await store.resume(space)
  const from = state === 'stopped' ? null : checkpoint
  const sweep = timers.now() >= row.nextSweepAt
  const end = await readList(space, { from, sweep }, ports)
  if (!sweep || end === undefined) return
  const now = timers.now()
  if (end !== null && end !== from)
    await store.note(space, { dids: [], move: { from, to: end }, now })
  const inMs = limits.sweepEveryMs * (0.75 + timers.random() / 2)
  await store.swept(space, new Date(now.getTime() + inMs))
}

async function register(row: FollowedSpace, ports: VisitPorts): Promise<void> {
  const { api, service, store, timers, log } = ports
  const { space, registeredUntil } = row
  const authority = authorityOf(space)
  if (await ports.isHosted(authority)) return
  const now = timers.now().getTime()
  if (registeredUntil !== null && registeredUntil.getTime() - now > RENEW_MS) return
  const answer = await ask(space, ports, (asked) => api.registerNotify(asked, service))
  if (answer.ok) {
    // An authority that says for ever may forget all the same.
    const until = Math.min(answer.until.getTime(), now + LONGEST_MS)
    await store.registered(space, new Date(until))
  } else log.warn({ space, reason: answer.name }, 'a space will not tell of writes')
}

/** Reads the list to its end; answers how far that is, undefined when nobody follows any more. */
async function readList(
  space: string,
  { from, sweep }: { from: string | null; sweep: boolean },
  ports: VisitPorts,
): Promise<string | null | undefined> {
  const { store, timers, limits, log } = ports
  let listed = 0
  for (let cursor = sweep ? null : from; ;) {
    const { repos, cursor: next } = await pageAfter(space, cursor, ports)
    if (repos.length === 0) return cursor
    const to = next ?? repos.at(-1)!.spaceRev
    if (to === cursor) throw new OutboundError('NotJson', 'the list of repos does not go on')
    const dids: string[] = []
    for (const repo of repos) {
      // The authority knows only what it was told: once in a while each repo's own host is asked.
      const due = sweep ? !(await ports.isHosted(repo.did)) : await isDue(space, repo, ports)
      if (due) dids.push(repo.did)
    }
    // While all is compared again the checkpoint stays: notifications go on from there.
    const move = sweep && from !== null ? undefined : { from: cursor, to }
    const told = { dids, now: timers.now(), ...(move && { move }) }
    if (!(await store.note(space, told))) return undefined
    cursor = to
    listed += repos.length
    if (listed >= limits.listed) {
      log.warn({ space, listed }, 'a space lists more repos than are taken in at once')
      return cursor
    }
  }
}

async function pageAfter(
  space: string,
  cursor: string | null,
  ports: VisitPorts,
): Promise<RepoPage> {
  if (await ports.isHosted(authorityOf(space))) return ports.ownRepos(space, cursor)
  const page = await ask(space, ports, (asked) => ports.api.listRepos(asked, cursor))
  if (page.ok) return page
  if (page.name === 'SpaceDeleted') throw new AccessLost(space, page.name)
  throw new OutboundError('Unreachable', `listRepos was refused with ${page.name}`)
}

/**
 * Whether a repo is not held as it is said to be. Neither one that is held in a newer state than
 * the authority knows of is due, nor one that is hosted here, whose writes are taken in as they are
 * made.
 */
export async function isDue(
  space: string,
  { did, repoRev, hash }: Pick<ListedRepo, 'did' | 'repoRev' | 'hash'>,
  { sink, isHosted }: Pick<VisitPorts, 'sink' | 'isHosted'>,
): Promise<boolean> {
  if (await isHosted(did)) return false
  const held = await sink.stateOf(space, did)
  if (held === undefined || held.rev < repoRev) return true
  return held.rev === repoRev && !sameHash(new SetHash(held.setHash).digest(), hash)
}

/** The account that decides about a space. */
export function authorityOf(space: string): string {
  const ref = parseSpace(space)
  if (ref === undefined) throw new TypeError(`${space} is no space`)
  return ref.authority
}

async function ask<T>(
  space: string,
  { credentials, hostOf, signal }: VisitPorts,
  work: (asked: Asked) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const audience = authorityOf(space)
  const question = async (headers: Asked['headers']) =>
    work({ service: await hostOf(audience), space, headers, signal })
  return unlessAborted(credentials.use({ space, audience }, question), signal)
}
