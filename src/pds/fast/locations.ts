import { createLru } from '../../crypto/lru.ts'
import { type ActorStore } from './package-parts.ts'

const MAX_ACCOUNTS = 10_000

/** Remembers where an account's files lie: a hash of its DID, which never changes. */
export function keepLocations(store: ActorStore): void {
  const getLocation = store.getLocation.bind(store)
  const known = createLru<string, Awaited<ReturnType<ActorStore['getLocation']>>>(MAX_ACCOUNTS)
  store.getLocation = async (did) => {
    const kept = known.get(did)
    if (kept !== undefined) return kept
    const location = await getLocation(did)
    known.set(did, location)
    return location
  }
}
