import { type Clock } from '../clock.ts'
import { createLru } from '../crypto/lru.ts'
import { type Log } from '../log.ts'
import { type Outbound, createOutbound } from '../outbound/fetch.ts'
import { fetchDocument } from './fetch-document.ts'
import { createHandleVerifier } from './handle.ts'
import { type DidDocument, type Identity, identityOf } from './identity.ts'

/** Says who a DID is, from a bounded cache that keeps itself fresh. */
export type IdentityResolver = {
  /**
   * The account behind a DID; undefined when it has no document or no key or no PDS. `refresh`
   * fetches even when the cache is fresh, but no more than 5 times in 10 s for one DID.
   * Throws `IdentityUnavailable` when the directory or host is down and nothing is cached, or
   * `refresh` was asked for.
   */
  resolve(did: string, options?: ResolveOptions): Promise<Identity | undefined>
  /** The whole DID document, also of a DID that is a service and no account. */
  document(did: string, options?: ResolveOptions): Promise<DidDocument | undefined>
  /** Forgets a DID: the next call fetches. */
  invalidate(did: string): void
  /** The identity's handle when that handle points back to the DID; never throws. */
  verifyHandle(identity: Identity): Promise<string | undefined>
}

export type ResolveOptions = { refresh?: boolean }

export type ResolverOptions = {
  /** origin of the PLC directory */
  plcUrl: string
  development: boolean
  clock: Clock
  log: Log
  /** documents this node answers for itself: never fetched, never cached */
  overrides?: (did: string) => DidDocument | undefined
  outbound?: Outbound
}

type Entry = {
  document: DidDocument | undefined
  /** read from the document once, because taking a key apart costs more than a signature check */
  identity: Identity | undefined
  fetchedAt: number
  refreshes: number[]
  /** a refresh was asked for and not made */
  outdated: boolean
  /** why the last refresh has brought nothing; undefined when it has */
  failure: { error: unknown } | undefined
  /** not fetched in the background before this time */
  retryAt: number
}

const FRESH_MS = 10 * 60_000
const STALE_MS = 24 * 60 * 60_000
const NEGATIVE_MS = 30_000
const MAX_CACHED = 10_000
const MAX_REFRESHES = 5
const REFRESH_WINDOW_MS = 10_000
const RETRY_MS = 10_000

/** Makes a resolver for did:plc and did:web; times are those of `clock`. */
export function createIdentityResolver(options: ResolverOptions): IdentityResolver {
  const { plcUrl, development, clock, log } = options
  const outbound = options.outbound ?? createOutbound({ development })
  const cache = createLru<string, Entry>(MAX_CACHED)
  const running = new Map<string, Promise<Entry>>()

  function fetchShared(did: string): Promise<Entry> {
    const earlier = running.get(did)
    if (earlier !== undefined) return earlier
    const request = fetchDocument(did, { plcUrl, development, outbound })
      .then((document) => {
        const entry = entryOf(document, clock.now().getTime())
        entry.refreshes = cache.get(did)?.refreshes ?? []
        // After `invalidate` this answer may be older than the event that caused it.
        if (running.get(did) === request) cache.set(did, entry)
        return entry
      })
      .catch((error: unknown) => failed(cache.get(did), error))
      .finally(() => {
        if (running.get(did) === request) running.delete(did)
      })
    running.set(did, request)
    return request
  }

  function refreshLater(did: string, entry: Entry, now: number): void {
    if (now < entry.retryAt) return
    entry.retryAt = now + RETRY_MS
    fetchShared(did).catch((error: unknown) => {
      log.warn({ did, err: error }, 'an outdated DID document stays in use')
    })
  }

  async function lookUp(did: string, how: ResolveOptions = {}): Promise<Entry> {
    const now = clock.now().getTime()
    const own = options.overrides?.(did)
    if (own !== undefined) return entryOf(own, now)
    const entry = cache.get(did)
    if (entry === undefined) return fetchShared(did)
    if ((how.refresh || entry.outdated) && mayRefresh(entry, now)) return fetchShared(did)
    // What could not be fetched anew is not new because it was asked for too often.
    if (how.refresh && entry.failure !== undefined) throw entry.failure.error
    const age = now - entry.fetchedAt
    if (age < (entry.document === undefined ? NEGATIVE_MS : FRESH_MS)) return entry
    if (entry.document === undefined || age >= STALE_MS) return fetchShared(did)
    refreshLater(did, entry, now)
    return entry
  }

  return {
    document: async (did, how) => (await lookUp(did, how)).document,
    resolve: async (did, how) => (await lookUp(did, how)).identity,
    invalidate(did) {
      cache.delete(did)
      running.delete(did)
    },
    verifyHandle: createHandleVerifier({ development, outbound }),
  }
}

function failed(entry: Entry | undefined, error: unknown): never {
  if (entry !== undefined) entry.failure = { error }
  throw error
}

function entryOf(document: DidDocument | undefined, fetchedAt: number): Entry {
  const identity = document === undefined ? undefined : identityOf(document)
  const none = { refreshes: [], outdated: false, failure: undefined, retryAt: 0 }
  return { document, identity, fetchedAt, ...none }
}

/** Whoever makes a DID's events decides how often they come, so their fetches are bounded. */
function mayRefresh(entry: Entry, now: number): boolean {
  entry.refreshes = entry.refreshes.filter((at) => now - at < REFRESH_WINDOW_MS)
  if (entry.refreshes.length < MAX_REFRESHES) {
    entry.refreshes.push(now)
    return true
  }
  entry.outdated = true
  return false
}
