import { isValidTid } from '@atproto/syntax'
import type { Clock } from '../clock.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import { tidTime } from '../tid.ts'
import type { HostApi } from './host-api.ts'
import type { Waiting } from '../pacing/backoff.ts'
import { statusOf } from './plan.ts'
import { LIMITS } from './refusal.ts'
import { KEPT_BACK, type Standing, UNCONFIRMED, isKeptBack } from './standing.ts'
import type { Applied, ListedRepo, SyncStore } from './store.ts'

export type AuditOptions = Waiting & {
  store: Pick<SyncStore, 'standings' | 'desynchronize' | 'apply'>
  api: Pick<HostApi, 'repoStatus'>
  resolver: Pick<IdentityResolver, 'resolve'>
  serviceOf: (pds: string) => string
  /** how long the stream has time to bring what a list has shown already */
  graceMs: number
  /** Called with an account fetched afresh: it may have moved. */
  onFresh: (identity: Identity) => Promise<void>
  applied: (what: Applied) => void
}

/** Compares what hosts say when asked with what was taken in from their streams, so that nothing
 *  that was missed stays missed. All throw when storage or a host is away. */
export type Audit = {
  /** A page of a host's list: its revisions and statuses. Settles after the grace time. */
  listed(host: string, repos: readonly ListedRepo[]): Promise<void>
  /** One account, as the PDS that its document names has it now. */
  account(did: string): Promise<void>
  /** Accounts of which anything may have been missed: their repos are fetched when they can be, and
   *  those that were away are asked for then, and may have moved. */
  doubt(dids: readonly string[]): Promise<void>
}

/** Makes an audit. */
export function createAudit(options: AuditOptions): Audit {
  const { store, timers, signal, graceMs } = options

  /** Those whose newer revision has not come by itself are fetched. */
  async function expect(newer: readonly { did: string; rev: string }[]): Promise<void> {
    if (newer.length === 0) return
    await timers.sleep(graceMs, signal)
    if (signal.aborted) return
    const standings = await store.standings(newer.map(({ did }) => did))
    const behind = newer.filter(({ did, rev }) => isBehind(standings.get(did), rev, timers))
    if (behind.length === 0) return
    const dids = behind.map(({ did }) => did)
    await store.desynchronize(dids, 'Behind')
    const nothing = { revs: new Map(), outcomes: {}, queued: [], named: [] }
    options.applied({ ...nothing, desynchronized: dids })
  }

  /** One that was deleted is asked after only where its host lists it again. */
  async function ask(did: string, { listed = false } = {}): Promise<void> {
    const identity = await options.resolver.resolve(did, { refresh: true })
    if (identity) await options.onFresh(identity)
    const standing = (await store.standings([did])).get(did)
    const isGone = standing?.upstream === 'deleted'
    if (!standing || (isGone && !(listed && identity))) return
    const host = identity?.pds ?? standing.pds ?? ''
    const told = identity
      ? await options.api.repoStatus(options.serviceOf(host), did)
      : { active: false, status: 'unidentified' }
    if (isGone && !told) return
    // Whoever is not there may be there again; one that was deleted says so in its status.
    const { active, status } = told ?? { active: false, status: KEPT_BACK['RepoNotFound'] }
    const isAwaited = active && (standing.upstream === UNCONFIRMED || isKeptBack(standing))
    const upstream = isAwaited ? UNCONFIRMED : statusOf({ active, ...(status && { status }) })
    if (upstream !== standing.upstream) {
      const time = timers.now().toISOString()
      const event = { kind: 'account' as const, seq: 0, did, time, lived: standing.pds }
      const news = upstream === 'active' ? { active: true } : { active: false, status: upstream }
      options.applied(await store.apply({ host, events: [{ ...event, ...news }] }))
    }
    const rev = told && 'rev' in told ? told.rev : undefined
    if (active && rev !== undefined && isBehind(standing, rev, timers)) await expect([{ did, rev }])
  }

  return {
    account: (did) => ask(did),
    async doubt(dids) {
      if (dids.length === 0) return
      options.applied(await store.apply({ host: '', events: missedBy(dids, timers) }))
    },
    async listed(host, repos) {
      const standings = await store.standings(repos.map(({ did }) => did))
      // What a host lists of accounts that live elsewhere is nothing to go by.
      const here = repos.filter(({ did }) => standings.get(did)?.pds === host)
      // Deleted is another thing than deactivated: what is held of it has to go.
      for (const repo of here)
        if (statusOf(repo) !== standings.get(repo.did)?.upstream)
          await ask(repo.did, { listed: true })
      await expect(
        here.filter(({ did, active, rev }) => {
          return active && isBehind(standings.get(did), rev, timers)
        }),
      )
    },
  }
}

/** That of these accounts anything may have been missed. */
function missedBy(dids: readonly string[], clock: Clock) {
  const lost = { kind: 'lost' as const, seq: 0, reason: 'Gap' }
  return dids.map((did) => ({ ...lost, did, time: clock.now().toISOString() }))
}

/** Whether a revision is newer than what is held; one of the future says nothing. */
function isBehind(standing: Standing | undefined, rev: string, clock: Clock): boolean {
  if (standing?.state !== 'synchronized') return false
  if (!isValidTid(rev) || tidTime(rev).getTime() > clock.now().getTime() + LIMITS.revAhead)
    return false
  return standing.rev === null || standing.rev < rev
}
