import { OutboundError } from '../outbound/outbound-error.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Log } from '../log.ts'
import type { Audit } from './audit.ts'
import type { Waiting } from '../pacing/backoff.ts'
import type { HostApi } from './host-api.ts'
import type { HostRow, SyncStore } from './store.ts'

export type SweepOptions = Waiting & {
  store: Pick<SyncStore, 'noteRepos' | 'accountsAt'>
  api: Pick<HostApi, 'listRepos'>
  audit: Audit
  log: Log
  serviceOf: (host: string) => string
  /** hosts listened to now */
  hosts: () => readonly HostRow[]
  /** the accounts in scope beside those of whole hosts */
  followed: () => readonly string[]
  /** time between two questions, in ms */
  everyMs: number
  /** accounts taken from one host's list, which may have no end */
  accountsPerHost: number
}

const PAGE = 500

/** Asks all hosts again and again, slowly, whether what is held of their accounts is what they
 *  have: a missed event must not stay missed for ever. Ends when the signal aborts. */
export async function sweep(options: SweepOptions): Promise<void> {
  const { timers, signal, everyMs, log } = options
  while (!signal.aborted) {
    await timers.sleep(everyMs, signal)
    try {
      for await (const _ of round(options)) {
        await timers.sleep(everyMs, signal)
        if (signal.aborted) return
      }
    } catch (err) {
      log.error({ err }, 'a round of repairs has ended early')
    }
  }
}

/** One question to a host after the other. */
async function* round(options: SweepOptions): AsyncGenerator<void> {
  for (const row of options.hosts()) if (row.whole) yield* wholeHost(row, options)
  const dids = options.followed()
  // After a restart it begins elsewhere, so that the last have their turn too.
  const first = Math.floor(options.timers.random() * dids.length)
  for (const did of [...dids.slice(first), ...dids.slice(0, first)]) {
    await forgiving(() => options.audit.account(did), options)
    yield
  }
}

async function* wholeHost(row: HostRow, options: SweepOptions): AsyncGenerator<void> {
  const { store, api, audit, serviceOf } = options
  const { host } = row
  const listed = new Set<string>()
  let pages = 0
  for (let cursor: string | undefined, first = true; first || cursor; first = false) {
    const from = cursor
    const page = await forgiving(() => api.listRepos(serviceOf(host), from), options)
    if (page === undefined) return
    for (const { did } of page.items) listed.add(did)
    // A listing that is under way notes its own progress.
    if (row.listing.done) await store.noteRepos(host, page.items, row.listing)
    await forgiving(() => audit.listed(host, page.items), options)
    yield
    pages += 1
    if (listed.size + pages >= options.accountsPerHost) return
    cursor = page.cursor === from ? undefined : page.cursor
  }
  yield* perhapsGone(host, listed, options)
}

/** Accounts that the host has left out: it deleted them, or they have moved. Those that it calls
 *  deactivated may have moved too, at a time when nobody could say where to. */
async function* perhapsGone(
  host: string,
  listed: ReadonlySet<string>,
  options: SweepOptions,
): AsyncGenerator<void> {
  for (let after = ''; ;) {
    const accounts = await options.store.accountsAt(host, after, PAGE)
    for (const { did, upstream } of accounts) {
      if (listed.has(did) && upstream !== 'deactivated') continue
      await forgiving(() => options.audit.account(did), options)
      yield
    }
    if (accounts.length < PAGE) return
    after = accounts.at(-1)!.did
  }
}

/** A host or directory that is away is asked again in the next round. */
async function forgiving<T>(work: () => Promise<T>, { log }: SweepOptions): Promise<T | undefined> {
  try {
    return await work()
  } catch (err) {
    if (!(err instanceof OutboundError || err instanceof IdentityUnavailable)) throw err
    log.debug({ err }, 'not repaired now')
    return undefined
  }
}
