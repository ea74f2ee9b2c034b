import type { Timers } from '../clock.ts'
import { createLru } from '../crypto/lru.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import { type Backoff, backOff } from '../pacing/backoff.ts'
import { type Refusal, refuse } from './refusal.ts'

export type LookupOptions = {
  resolver: Pick<IdentityResolver, 'resolve'>
  timers: Timers
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
  /** Since when the first of those who wait for this account does, in ms of the clock. */
  waitingSince(did: string): number | undefined
  /** Ends the account's time at once: it counts as out of reach until the resolver answers. */
  giveUp(did: string): void
}

const MAX_REMEMBERED = 10_000
/** An account out of reach is asked for no more often, and its events do not wait for that. */
const RETRY_LOST_MS = 5000

type Failure = { first: number; last: number; lost: boolean }

/** Makes a lookup; waiting times of different accounts run side by side, from the first failure. */
export function createLookup(options: LookupOptions): Lookup {
  const { resolver, timers, holdMs, retry, signal } = options
  const failures = createLru<string, Failure>(MAX_REMEMBERED)
  const now = () => timers.now().getTime()
  const waiting = createWaitingRoom(now)

  async function once(did: string, refresh: boolean): Promise<Identity | undefined> {
    try {
      const identity = await resolver.resolve(did, { refresh })
      failures.delete(did)
      return identity
    } catch (error) {
      if (error instanceof IdentityUnavailable) noteFailure(did)
      throw error
    }
  }

  function noteFailure(did: string): void {
    const { first, lost } = failures.get(did) ?? { first: now(), lost: false }
    failures.set(did, { first, last: now(), lost: lost || now() - first >= holdMs })
  }

  /** One attempt for an account out of reach, which nobody waits for. */
  function probe(did: string, failure: Failure): void {
    if (now() - failure.last < RETRY_LOST_MS) return
    failure.last = now()
    once(did, true).catch(() => undefined)
  }

  async function attempt(did: string, refresh: boolean): Promise<Identity | Refusal> {
    for (let n = 0; ; n += 1) {
      const failure = failures.get(did)
      if (failure?.lost) {
        probe(did, failure)
        return refuse('IdentityUnavailable', did)
      }
      try {
        return (await once(did, refresh)) ?? refuse('NoIdentity', did)
      } catch (error) {
        if (!(error instanceof IdentityUnavailable)) throw error
        if (failures.get(did)?.lost) return refuse('IdentityUnavailable', did)
      }
      await backOff(retry, n, { timers, signal })
      signal.throwIfAborted()
    }
  }

  return {
    once,
    async hold(did, refresh) {
      const leave = waiting.enter(did)
      return attempt(did, refresh).finally(leave)
    },
    waitingSince: waiting.since,
    giveUp(did) {
      const first = failures.get(did)?.first ?? now()
      failures.set(did, { first, last: now(), lost: true })
      waiting.clear(did)
    },
  }
}

/** Who waits for which account, and since when. */
function createWaitingRoom(now: () => number) {
  const rooms = new Map<string, Set<{ since: number }>>()
  return {
    enter(did: string): () => void {
      const own = { since: now() }
      const room = rooms.get(did) ?? new Set()
      rooms.set(did, room.add(own))
      return () => {
        room.delete(own)
        if (room.size === 0 && rooms.get(did) === room) rooms.delete(did)
      }
    },
    /** Those who wait are not waited for: some may never have an answer. */
    clear: (did: string) => void rooms.delete(did),
    since: (did: string) => rooms.get(did)?.values().next().value?.since,
  }
}
