import pg from 'pg'
import { type Authenticate, type Viewer, createAuthenticate } from './appview/access.ts'
import { createAnnounce } from './appview/announce.ts'
import { collections } from './appview/collections/index.ts'
import { listenToFeeds } from './appview/feed-listener.ts'
import { resumeFounding } from './appview/found-space.ts'
import { Indexer } from './appview/index-record.ts'
import { createLoads } from './appview/loads.ts'
import { mountMethods } from './appview/methods/index.ts'
import { migrations } from './appview/migrations/index.ts'
import { createProgress } from './appview/progress.ts'
import { serviceAuth } from './appview/service-auth.ts'
import type { SqlPool } from './appview/sql.ts'
import { createSyncStore } from './appview/sync-store.ts'
import { prepareViewTables } from './appview/view-tables.ts'
import { type Xrpc, createXrpc } from './appview/xrpc.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely, openPool } from './database/pool.ts'
import type { SubscriptionState } from './firehose/subscription-options.ts'
import type { Verifier } from './firehose/verifier.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import { openImages } from './open-images.ts'
import type { NodePds } from './open-pds.ts'
import { openSync } from './open-sync.ts'
import type { Telemetry } from './open-telemetry.ts'
import { createOutbound } from './outbound/fetch.ts'
import type { VerifySession } from './pds/session.ts'
import { migrations as repoMigrations } from './permissioned/migrations/index.ts'
import { createTids } from './tid.ts'

/** The AppView, not yet listening: its methods are mounted, its tables are as declared. */
export type AppView = AsyncDisposable & {
  readonly xrpc: Xrpc
  hostStates(): ReadonlyMap<string, SubscriptionState>
  readonly verifier: Pick<Verifier, 'queued'>
  /** the connections that serve lookups by key */
  readonly points: pg.Pool
  /** Begins to read the hosts' streams; to be called once the own PDS answers. */
  listen(): Promise<void>
}

/** Lookups share their queries, so a few connections serve all requests. */
const POINT_CONNECTIONS = 3

type Options = {
  config: Config
  did: string
  database: Database
  dataDir: string
  resolver: IdentityResolver
  pds: NodePds
  telemetry: Pick<Telemetry, 'events' | 'freshness'>
  log: Log
  clock: Clock
}

/** Brings the tables forward and puts the AppView together. */
export async function openAppView(options: Options): Promise<AppView> {
  const { config, database, dataDir, resolver, pds, log, clock } = options
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  await bringForward(database)
  await prepareViewTables({ pool, indexer, log })
  const outbound = createOutbound({ development: config.development })
  const images = await openImages({ sql: pool, pds, outbound, dataDir, clock, log })

  const points = openPool({ url: database.url, max: POINT_CONNECTIONS, log, pointReads: true })
  const loads = createLoads(points as unknown as SqlPool)
  const progress = createProgress(pool)
  const store = createSyncStore({ pool, indexer, clock })
  const sync = openSync({ ...options, store, progress, outbound })
  // A connection that only listens would never notice by itself that its server is gone.
  const lasting = { connectionTimeoutMillis: 10_000, keepAlive: true }
  const connect = () => new pg.Client({ connectionString: database.url, ...lasting })
  const feeds = listenToFeeds({ connect, log })
  const { writer, isHosted } = pds
  const ensureAccount = (handle: string) => pds.ensureAccount(handle)
  const founding = { sql: pool, writer, progress, clock, log, ensureAccount }
  const xrpc = createXrpc({
    blobLimitBytes: config.ANGELOS_BLOB_LIMIT_BYTES,
    rateLimits: config.ANGELOS_RATE_LIMITS ?? true,
  })
  mountMethods(
    { ...xrpc, authenticate: authenticator(options, pool) },
    {
      ...founding,
      ...images,
      loads,
      announce: createAnnounce({ pool, indexer, resolver, outbound, clock, follow: sync.follow }),
      feeds,
      origin: config.publicUrl,
      nextTid: createTids(clock),
      handleDomain: config.handleDomain,
      isHosted,
      uploadBlob: pds.uploadBlob,
      hosts: sync.hosts,
      isAdmin: pds.isAdmin,
      ownHost: config.publicUrl,
      development: config.development,
    },
  )
  return {
    xrpc,
    hostStates: () => sync.states(),
    verifier: sync.verifier,
    points,
    listen: async () => {
      await sync.start()
      const resumed = await resumeFounding(founding)
      if (resumed > 0) log.info({ spaces: resumed }, 'finished spaces that a stop had interrupted')
    },
    [Symbol.asyncDispose]: async () => {
      await sync.close()
      await feeds[Symbol.asyncDispose]()
      await points.end()
    },
  }
}

async function bringForward({ pool }: Pick<Database, 'pool'>): Promise<void> {
  const db = openKysely(pool)
  await migrate({ db, schema: 'node', migrations })
  await migrate({ db, schema: 'repo', migrations: repoMigrations })
}

function authenticator({ did, resolver, pds, clock }: Options, sql: SqlPool): Authenticate {
  return createAuthenticate({
    session: ({ req, res }, nsid) => localViewer(pds.session, { req, res, nsid }),
    isSession: pds.session.remembers,
    service: serviceAuth({ sql, resolver, serviceDid: did, clock }),
    isLocal: pds.isHosted,
  })
}

async function localViewer(
  session: VerifySession,
  call: { req: Parameters<VerifySession>[0]; res: Parameters<VerifySession>[1]; nsid: string },
): Promise<Viewer> {
  const caller = await session(call.req, call.res, call.nsid)
  if (caller.kind === 'session') return { did: caller.did, kind: 'local' }
  const { permissions } = caller
  return {
    did: caller.did,
    kind: 'local',
    assertMayWrite: (action, collection) =>
      permissions.assertRepo({ action, collection: collection as never }),
  }
}
