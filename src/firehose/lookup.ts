import { type Clock } from '../clock.ts'
import { createLru } from '../crypto/lru.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import { type Identity } from '../identity/identity.ts'
import { type IdentityResolver } from '../identity/resolver.ts'
import { type Backoff, backOff } from './backoff.ts'
import { type Refusal, refuse } from './refusal.ts'

export type LookupOptions = {
  resolver: Pick<IdentityResolver, 'resolve'>
  clock: Clock
  /** how long an account's events wait for a directory that is down */
  holdMs: number
  retry: Backoff
  signal: AbortSignal
}

/** Says who an account is, and waits a bounded time where that cannot be found out. */
export type Lookup = {
  /** The account as it is known now, once; throws `IdentityUnavailable`. */
  once(did: string, refresh: boolean): Promise<Identity | undefined>
  /** The account, tried again until its time is over; throws when `signal` aborts. */
  hold(did: string, refresh: boolean): Promise<Identity | Refusal>
  /** Whether the account's time is over and it has not been reached since. */
  isLost(did: string): boolean
}

const MAX_REMEMBERED = 10_000
/** A lost account is not asked for again before this, so its events cost the others nothing. */
const RETRY_LOST_MS = 5000

/** Makes a lookup; waiting times of different accounts run side by side, from the first failure. */
export function createLookup(options: LookupOptions): Lookup {
  const { resolver, clock, holdMs, retry, signal } = options
  const failures = createLru<string, { first: number; last: number }>(MAX_REMEMBERED)

  async function once(did: string, refresh: boolean): Promise<Identity | undefined> {
    try {
      const identity = await resolver.resolve(did, { refresh })
      failures.delete(did)
      return identity
    } catch (error) {
      const now = clock.now().getTime()
      if (error instanceof IdentityUnavailable) {
        failures.set(did, { first: failures.get(did)?.first ?? now, last: now })
      }
      throw error
    }
  }

  function isLost(did: string): boolean {
    const failure = failures.get(did)
    return failure !== undefined && clock.now().getTime() - failure.first >= holdMs
  }

  function failedJustNow(did: string): boolean {
    const failure = failures.get(did)
    return failure !== undefined && clock.now().getTime() - failure.last < RETRY_LOST_MS
  }

  return {
    once,
    isLost,
    async hold(did, refresh) {
      for (let attempt = 0; ; attempt += 1) {
        if (isLost(did) && failedJustNow(did)) return refuse('IdentityUnavailable', did)
        try {
          return (await once(did, refresh)) ?? refuse('NoIdentity', did)
        } catch (error) {
          if (!(error instanceof IdentityUnavailable)) throw error
          if (isLost(did)) return refuse('IdentityUnavailable', did)
        }
        await backOff(retry, attempt, signal)
        signal.throwIfAborted()
      }
    },
  }
}
