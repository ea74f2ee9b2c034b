import type { Log } from '../log.ts'
import type { Audit } from './audit.ts'
import { type Backoff, type Waiting, persist } from '../pacing/backoff.ts'
import type { HostApi } from './host-api.ts'
import { isFetchable } from './standing.ts'
import type { HostRow, ListedRepo, SyncStore } from './store.ts'

export type BackfillOptions = Waiting & {
  store: Pick<SyncStore, 'noteRepos' | 'standings'>
  api: Pick<HostApi, 'listRepos'>
  audit: Audit
  log: Log
  serviceOf: (host: string) => string
  /** repos wait to be fetched */
  wake: () => void
  limits: BackfillLimits
}

export type BackfillLimits = {
  /** accounts taken from one host's list */
  accountsPerHost: number
  /** repos listed and not yet fetched, after which listing waits */
  unfetched: number
  /** waiting times before a host that does not answer is asked again */
  retry: Backoff
}

const LOOK_MS = 1000
/** Repos that cannot be fetched must not hold up the rest for ever. */
const LOOKS = 60

/**
 * Lists all repos of a host, from where it was left off: those not held become desynchronized and
 * are fetched. The progress is stored with each page. To be called once the host's stream is being
 * read, so that what happens meanwhile is not missed. Ends early when the signal aborts.
 */
export async function backfill(row: HostRow, options: BackfillOptions): Promise<void> {
  const { store, api, log, limits, signal } = options
  const { host } = row
  const failed = (err: unknown, attempt: number) =>
    log.warn({ host, attempt, err }, 'its repos cannot be listed now')
  const how = { ...options, retry: limits.retry, failed }
  let { cursor } = row.listing
  let listed = 0
  let waiting: readonly string[] = []
  for (;;) {
    const from = cursor ?? undefined
    const page = await persist(() => api.listRepos(options.serviceOf(host), from), how)
    if (page === undefined) return
    // An empty page counts too: a host may go on for ever with those.
    listed += Math.max(1, page.items.length)
    const full = listed >= limits.accountsPerHost
    if (full) log.warn({ host, listed }, 'it lists more accounts than are taken from one host')
    const done = full || page.cursor === undefined || page.cursor === cursor
    const here = { cursor, done: false }
    const away = await persist(() => stillAway(host, page.items, options), how)
    await persist(() => store.noteRepos(host, page.items, here), how)
    options.wake()
    await persist(() => options.audit.doubt(away ?? []), how)
    await persist(() => options.audit.listed(host, page.items), how)
    if (signal.aborted) return
    // Only now: a stop before would leave a repo that is behind to the sweep.
    cursor = done ? null : page.cursor!
    const next = { cursor, done }
    await persist(() => store.noteRepos(host, [], next), how)
    if (done) return log.info({ host, listed }, 'its repos are listed')
    waiting = await untilFetched([...waiting, ...page.items.map(({ did }) => did)], options)
  }
}

/** Accounts that were away before and still are, as the host says: who has moved meanwhile is
 *  called deactivated by the old host, and what was missed may have been just that. */
async function stillAway(
  host: string,
  repos: readonly ListedRepo[],
  { store }: BackfillOptions,
): Promise<readonly string[]> {
  const dids = repos.flatMap(({ did, status }) => (status === 'deactivated' ? [did] : []))
  const held = await store.standings(dids)
  return dids.filter((did) => {
    const { upstream, pds } = held.get(did) ?? {}
    return upstream === 'deactivated' && (pds === host || pds === null)
  })
}

/** Waits until few enough of the repos are still to be fetched, and answers which. */
async function untilFetched(
  dids: readonly string[],
  { store, timers, signal, limits }: BackfillOptions,
): Promise<readonly string[]> {
  let open = dids
  for (let look = 0; look < LOOKS && !signal.aborted; look += 1) {
    const standings = await store.standings(open)
    open = open.filter((did) => {
      const standing = standings.get(did)
      return standing && standing.state !== 'synchronized' && isFetchable(standing)
    })
    if (open.length < limits.unfetched) return open
    await timers.sleep(LOOK_MS, signal)
  }
  return []
}
