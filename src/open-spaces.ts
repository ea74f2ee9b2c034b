import type { AppView } from './open-appview.ts'
import { type Timers } from './clock.ts'
import type { Sql } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { SpaceKeeping } from './keep-spaces.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { audienceOf, ensureAudience, isCustomerKey } from './permissioned/audience.ts'
import { linkedBlob, listLinkedBlobs } from './permissioned/store/blob-keeper.ts'
import { openSpaceHost } from './permissioned/host/host.ts'
import type { EnsureAudience } from './permissioned/host/hosted-spaces.ts'
import { createTail } from './permissioned/store/tail.ts'
import { startUpkeep } from './permissioned/store/upkeep.ts'
import type { SpaceVisiting } from './visit-spaces.ts'

type Options = {
  did: string
  keeping: SpaceKeeping
  visiting: SpaceVisiting
  resolver: IdentityResolver
  outbound: Outbound
  pds: NodePds
  appView: Pick<AppView, 'xrpc' | 'service' | 'spaceSink'>
  nextTid: () => string
  timers: Timers
  log: Log
}

/** Permissioned repos as they are served; what is written to them comes into the views. */
export type Spaces = AsyncDisposable & {
  /** Begins to visit other hosts; to be called once the own one answers. */
  start(): Promise<void>
}

/** Mounts the methods of hosts of permissioned repos beside those of the AppView. */
export function openSpaces(options: Options): Spaces {
  const { keeping, visiting, pds, appView, timers, log } = options
  const { pool, store } = keeping
  const parts = new AsyncDisposableStack()
  const host = openSpaceHost(
    appView.xrpc.server,
    {
      serviceDid: options.did,
      pool,
      timers,
      log,
      resolver: options.resolver,
      outbound: options.outbound,
      accounts: { status: pds.statusOf, sign: pds.signAs },
      session: pds.session,
      service: appView.service,
    },
    {
      ...keeping,
      blobs: {
        open: async (at) => {
          const known = await linkedBlob(pool, at)
          const stream = known && (await pds.privateBlobs.read(at.did, at.cid))
          return stream && { ...known, stream }
        },
        list: (at) => listLinkedBlobs(pool, at),
      },
      ensureAudience: audienceMaker({ pool, pds, timers }),
      nextTid: options.nextTid,
    },
  )
  parts.use(host)
  parts.use(createTail({ sql: pool, sink: appView.spaceSink, store, timers, log })).start()
  parts.use(startUpkeep({ pool, bytes: pds.privateBlobs, timers, log }))
  parts.defer(() => visiting.close())
  return {
    start: () => visiting.start(host, appView.spaceSink),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** An account has audiences once it has admitted somebody: only communities do that. The space of a
 *  customer is made with the first thing that stands in it, not by asking for it. */
function audienceMaker(parts: { pool: Sql; pds: NodePds; timers: Timers }): EnsureAudience {
  const { pool, pds, timers } = parts
  return async ({ authority, type, skey }) => {
    const audience = audienceOf({ authority, type, skey })
    if (!audience || isCustomerKey(audience)) return false
    if ((await pds.statusOf(authority)) !== 'active') return false
    const { rowCount } = await pool.query(
      'select 1 from repo.admission where authority = $1 limit 1',
      [authority],
    )
    if (rowCount !== 1) return false
    await ensureAudience(pool, { authority, audience, type, now: timers.now() })
    return true
  }
}
