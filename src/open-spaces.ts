import { collections } from './appview/collections/index.ts'
import { type Clock, systemTimers } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { Sql, SqlPool } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import { co } from './lexicons/index.ts'
import type { Log } from './log.ts'
import type { AppView } from './open-appview.ts'
import type { NodePds } from './open-pds.ts'
import { createOutbound } from './outbound/fetch.ts'
import { lexiconValidator } from './pds/lexicon-validator.ts'
import { ownPrefix } from './pds/validate.ts'
import { admissionGuard, createAdmission } from './permissioned/admission.ts'
import { audienceOf, ensureAudience } from './permissioned/audience.ts'
import { linkedBlob, listLinkedBlobs } from './permissioned/blob-keeper.ts'
import { createSpaceGrants } from './permissioned/grants.ts'
import { type SpaceHost, openSpaceHost } from './permissioned/host.ts'
import type { EnsureAudience } from './permissioned/hosted-spaces.ts'
import { type SpaceStore, createSpaceStore } from './permissioned/store.ts'
import { startUpkeep } from './permissioned/upkeep.ts'
import { createTids } from './tid.ts'

type Options = {
  config: Config
  did: string
  database: Database
  resolver: IdentityResolver
  pds: NodePds
  appView: Pick<AppView, 'xrpc' | 'service'>
  log: Log
  clock: Clock
}

/** What the node keeps of permissioned repos, and serves of them. */
export type Spaces = AsyncDisposable & {
  readonly store: SpaceStore
  readonly host: Omit<SpaceHost, keyof AsyncDisposable>
}

/** Puts the host of permissioned repos together and mounts its methods beside those of the AppView,
 *  which has brought the tables forward. */
export async function openSpaces(options: Options): Promise<Spaces> {
  const { config, did, database, resolver, pds, appView, log, clock } = options
  const pool = database.pool as unknown as SqlPool
  const nextTid = createTids(clock)
  const timers = { ...systemTimers, now: () => clock.now() }
  const known = new Set<string>(collections.map((c) => c.schema.$type))
  const isKnown = (collection: string) => known.has(collection)
  const validate = lexiconValidator(collections.map((c) => c.schema))
  const admission = createAdmission({ pool })
  const store = createSpaceStore({
    pool,
    clock,
    nextTid,
    // Of the types of others nothing is known here, and anything may be kept.
    validate: (collection, rkey, record) =>
      isKnown(collection) || collection.startsWith(ownPrefix)
        ? validate(collection, rkey, record)
        : { ok: true },
    bytes: pds.privateBlobs,
    guards: [admissionGuard({ membershipType: co.kendev.spaces.membership.$type, clock })],
  })
  const host = openSpaceHost(
    appView.xrpc.server,
    {
      serviceDid: did,
      pool,
      timers,
      log,
      resolver,
      outbound: createOutbound({ development: config.development }),
      accounts: { status: pds.statusOf, sign: pds.signAs },
      session: pds.session,
      service: appView.service,
    },
    {
      store,
      blobs: {
        open: async (at) => {
          const known = await linkedBlob(pool, at)
          const stream = known && (await pds.privateBlobs.read(at.did, at.cid))
          return stream && { ...known, stream }
        },
        list: (at) => listLinkedBlobs(pool, at),
      },
      admission,
      ensureAudience: audienceMaker({ pool, pds, clock }),
      isKnown,
      grants: createSpaceGrants(pool, clock),
      nextTid,
    },
  )
  const upkeep = startUpkeep({ pool, bytes: pds.privateBlobs, timers, log })
  return {
    store,
    host,
    [Symbol.asyncDispose]: async () => {
      await upkeep[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
}

/** An account has audiences once it has admitted somebody: only communities do that. */
function audienceMaker(parts: { pool: Sql; pds: NodePds; clock: Clock }): EnsureAudience {
  const { pool, pds, clock } = parts
  return async ({ authority, type, skey }) => {
    const audience = audienceOf({ authority, type, skey })
    if (!audience || (await pds.statusOf(authority)) !== 'active') return false
    const { rowCount } = await pool.query(
      'select 1 from repo.admission where authority = $1 limit 1',
      [authority],
    )
    if (rowCount !== 1) return false
    await ensureAudience(pool, { authority, audience, now: clock.now() })
    return true
  }
}
