import { type Waiting, backOff } from '../pacing/backoff.ts'
import type { FetchOptions } from './fetch-repo.ts'
import type { SyncStore } from './store.ts'

/** Waiting times before storage is asked again. */
export const STORAGE_RETRY = { firstMs: 100, maxMs: 10_000 }
const ATTEMPTS = 8

/** Storage that is asked again a few times before it throws: that it is away for a moment is not
 *  the fault of the repo being fetched. */
export function patientStore(store: SyncStore, how: Waiting): FetchOptions['store'] {
  const again = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        if (attempt >= ATTEMPTS || how.signal.aborted) throw error
        await backOff(STORAGE_RETRY, attempt, how)
      }
    }
  }
  return {
    standings: (dids) => again(() => store.standings(dids)),
    held: (did, after, limit) => again(() => store.held(did, after, limit)),
    resyncPage: (did, rev, writes) => again(() => store.resyncPage(did, rev, writes)),
  }
}
