import { type Clock } from './clock.ts'
import { createLru } from './crypto/lru.ts'
import type { DidDocument, Identity } from './identity/identity.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { OwnAccount } from './pds/own-account.ts'

type Resolve = Pick<IdentityResolver, 'resolve'>
type Known = { own: OwnAccount | undefined; at: number }

const MAX_REMEMBERED = 10_000
/** How long an account is taken as it was; `refresh` looks at once. */
const FRESH_MS = 10_000
/** How often the directory is asked about an account that is answered for here. */
const CHECK_MS = 10 * 60_000

/**
 * Makes a resolver that answers for accounts of the own PDS by itself, so that they never wait for
 * a directory. The directory is asked all the same, in the background: what it says of an account
 * that has left, or has another key, counts from then on. For an account that is not active here,
 * it is asked first.
 */
export function ownIdentitiesFirst(options: {
  resolver: Resolve
  own: (did: string) => Promise<OwnAccount | undefined>
  /** origin of the own PDS, as DID documents name it */
  pds: string
  clock: Clock
  log: Log
}): Resolve {
  const { resolver, pds, clock, log } = options
  const known = createLru<string, Known>(MAX_REMEMBERED)
  const elsewhere = createLru<string, Identity>(MAX_REMEMBERED)
  const checked = createLru<string, number>(MAX_REMEMBERED)
  const now = () => clock.now().getTime()

  async function ownAccount(did: string, refresh: boolean): Promise<OwnAccount | undefined> {
    const entry = known.get(did)
    if (entry && !refresh && now() - entry.at < FRESH_MS) return entry.own
    const own = await options.own(did)
    known.set(did, { own, at: now() })
    return own
  }

  async function check(did: string, own: OwnAccount, refresh: boolean): Promise<void> {
    const identity = await resolver.resolve(did, { refresh })
    if (!identity) return
    if (identity.pds === pds && identity.signingKey === own.signingKey) elsewhere.delete(did)
    else elsewhere.set(did, identity)
  }

  return {
    async resolve(did, { refresh = false } = {}) {
      const own = await ownAccount(did, refresh)
      if (!own) return resolver.resolve(did, { refresh })
      const due = refresh || now() - (checked.get(did) ?? -Infinity) >= CHECK_MS
      if (due) checked.set(did, now())
      const checking = due ? check(did, own, refresh) : Promise.resolve()
      const failed = (err: unknown) => log.warn({ did, err }, 'the directory does not answer')
      if (own.active) void checking.catch(failed)
      else await checking.catch(failed)
      return elsewhere.get(did) ?? identityOf(did, own, pds)
    },
  }
}

function identityOf(did: string, own: OwnAccount, pds: string): Identity {
  const { signingKey, handle } = own
  const document: DidDocument = { id: did }
  return { did, signingKey, pds, document, ...(handle !== undefined && { handle }) }
}
