import type { Identity } from '../identity/identity.ts'
import { type Subscription, startSubscription } from './subscribe.ts'
import type { SubscriptionOptions, SubscriptionState } from './subscription-options.ts'

type Shared = Pick<
  SubscriptionOptions,
  | 'resolver'
  | 'sink'
  | 'timers'
  | 'log'
  | 'onGap'
  | 'connect'
  | 'verifier'
  | 'homeOf'
  | 'proveHandle'
>

/** The hosts listened to: this node's own PDS with all its accounts, and others' for the accounts
 *  that were followed. */
export type Hosts = {
  /** Listens to the account's host from now on, and to what it kept of the account's past. */
  follow(identity: Pick<Identity, 'did' | 'pds'>): void
  states(): ReadonlyMap<string, SubscriptionState>
  close(): Promise<void>
}

/** The own PDS is near and nobody's burden: after an outage the views follow it at once. */
const OWN_LIMITS = { retry: { firstMs: 100, maxMs: 2_000 } }

/** Starts with the own PDS, `upstreams` and the hosts of accounts followed before. */
export function listenToHosts(
  options: Shared & {
    own: { host: string; service: string }
    upstreams: readonly string[]
    followed: Iterable<{ did: string; pds: string }>
    cursorOf: (host: string) => Promise<number | undefined>
    development: boolean
  },
): Hosts {
  const { own, cursorOf, development, upstreams, ...shared } = options
  const followed = new Set<string>()
  const open = new Map<string, Subscription>()
  const listen = (host: string, service: string, inScope: (did: string) => boolean) => {
    if (open.has(host)) return
    const subscription = startSubscription({
      ...shared,
      host,
      kind: 'pds',
      service,
      inScope,
      cursor: () => cursorOf(host),
      from: 'beginning',
      authoritative: (identity) => identity.pds === host,
      publicOnly: host !== own.host && !development,
      ...(host === own.host && { limits: OWN_LIMITS }),
    })
    open.set(host, subscription)
  }
  const follow = ({ did, pds }: { did: string; pds: string }) => {
    if (pds === own.host) return
    followed.add(did)
    listen(pds, pds, (other) => followed.has(other))
  }
  listen(own.host, own.service, () => true)
  for (const origin of upstreams) listen(origin, origin, () => true)
  for (const account of options.followed) follow(account)
  return {
    follow,
    states: () => new Map([...open].map(([host, subscription]) => [host, subscription.state()])),
    close: async () => {
      await Promise.all([...open.values()].map((subscription) => subscription.close()))
    },
  }
}
