import type { Clock } from '../clock.ts'
import type { SubscriptionState } from '../firehose/subscription-options.ts'
import type { Freshness } from './freshness.ts'

/** How far the views are behind one host; null where that cannot be known now. */
export type Lag = { readonly events: number | null; readonly seconds: number | null }

/** One host that is listened to, as it is now. */
export type HostNow = {
  readonly host: string
  readonly state: SubscriptionState
  readonly lag: Lag
}

/** A stream without a word for this long has told all there is: no host holds back. */
const QUIET_MS = 10_000

type Parts = {
  hosts: () => ReadonlyMap<string, SubscriptionState>
  ownHost: string
  /** what the own PDS has written after a sequence number */
  ownBacklog: (seq: number) => Promise<{ events: number; since: Date | undefined }>
  freshness: Freshness
  clock: Clock
}

/** Looks at every host. The own PDS is asked for what it has written; of others is known only what
 *  they have sent, and how old that was when it was stored. Never throws. */
export async function lookAtHosts(parts: Parts): Promise<readonly HostNow[]> {
  return Promise.all(
    [...parts.hosts()].map(async ([host, state]) => {
      const lag = host === parts.ownHost ? await ownLag(state, parts) : otherLag(host, state, parts)
      return { host, state, lag }
    }),
  )
}

async function ownLag({ lastSeq, queued }: SubscriptionState, parts: Parts): Promise<Lag> {
  const { ownHost, ownBacklog, freshness, clock } = parts
  const stored = freshness.of(ownHost)?.cursor ?? (lastSeq === undefined ? 0 : lastSeq - queued)
  try {
    const { events, since } = await ownBacklog(stored)
    return { events, seconds: since ? secondsBetween(since, clock.now()) : 0 }
  } catch {
    return { events: null, seconds: null }
  }
}

function otherLag(host: string, state: SubscriptionState, { freshness, clock }: Parts): Lag {
  const { connected, queued, lastEventAt } = state
  if (!connected) return { events: null, seconds: null }
  const silent = lastEventAt ? clock.now().getTime() - lastEventAt.getTime() : Infinity
  if (queued === 0 && silent > QUIET_MS) return { events: 0, seconds: 0 }
  return { events: queued, seconds: freshness.of(host)?.age ?? null }
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1_000)
}
