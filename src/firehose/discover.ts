import type { Log } from '../log.ts'
import { type Backoff, type Waiting, persist } from '../pacing/backoff.ts'
import type { HostApi } from './host-api.ts'
import type { HostRow, SyncStore } from './store.ts'

export type DiscoverOptions = Waiting & {
  store: Pick<SyncStore, 'noteRepos'>
  api: Pick<HostApi, 'listReposByCollection'>
  log: Log
  serviceOf: (host: string) => string
  /** our collections, in an order that stays */
  collections: readonly string[]
  /** Brings those of the accounts into scope that exist and are active. */
  admit: (dids: readonly string[]) => Promise<void>
  retry: Backoff
  /** pages taken of one collection's list, which may have no end */
  pages: number
}

/**
 * Asks a relay for the accounts that have records of our collections. Its list has deleted accounts
 * too, so each is looked at where it lives. The progress is stored with each page; what a relay
 * does not offer is left out after some attempts.
 */
export async function discover(row: HostRow, options: DiscoverOptions): Promise<void> {
  const { api, log, collections, signal } = options
  const { host } = row
  const service = options.serviceOf(host)
  const [begun = '', at = ''] = (row.listing.cursor ?? '').split(' ')
  let cursor = at === '' ? undefined : at
  for (const collection of collections.filter((nsid) => nsid >= begun).toSorted()) {
    for (let page = 0; page < options.pages && (page === 0 || cursor !== undefined); page += 1) {
      const from = cursor
      const answer = await attempts(
        () => api.listReposByCollection(service, collection, from),
        options,
      )
      if (signal.aborted) return
      if (answer === undefined) log.warn({ host, collection }, 'it does not list by collection')
      await options.admit(answer?.items ?? [])
      cursor = answer?.cursor === from ? undefined : answer?.cursor
      const listing = { cursor: `${collection} ${cursor ?? ''}`, done: false }
      await noted(host, listing, options)
    }
  }
  await noted(host, { cursor: null, done: true }, options)
  log.info({ host }, 'its accounts with records of ours are known')
}

async function noted(
  host: string,
  listing: HostRow['listing'],
  options: DiscoverOptions,
): Promise<void> {
  const failed = (err: unknown) => options.log.error({ host, err }, 'a listing cannot be noted')
  await persist(() => options.store.noteRepos(host, [], listing), { ...options, failed })
}

const ATTEMPTS = 5

/** The answer, or undefined when there was none each time. */
async function attempts<T>(
  ask: () => Promise<T>,
  options: DiscoverOptions,
): Promise<T | undefined> {
  const failed = () => undefined
  let asked = 0
  return persist(
    async () => {
      asked += 1
      return asked < ATTEMPTS ? ask() : ask().catch(() => undefined)
    },
    { ...options, failed },
  )
}
