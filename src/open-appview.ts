import type { Server } from '@atproto/xrpc-server'
import pg from 'pg'
import { type Viewer, createAuthenticate } from './appview/access.ts'
import { createAnnounce } from './appview/announce.ts'
import { createSink } from './appview/apply-events.ts'
import { collections } from './appview/collections/index.ts'
import { listenToFeeds } from './appview/feed-listener.ts'
import { cursorOf, followedAccounts, markFollowed } from './appview/followed.ts'
import { resumeFounding } from './appview/found-space.ts'
import { Indexer } from './appview/index-record.ts'
import { mountMethods } from './appview/methods/index.ts'
import { migrations } from './appview/migrations/index.ts'
import { createProgress } from './appview/progress.ts'
import { serviceAuth } from './appview/service-auth.ts'
import type { SqlPool } from './appview/sql.ts'
import { prepareViewTables } from './appview/view-tables.ts'
import { createXrpc } from './appview/xrpc.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely } from './database/pool.ts'
import { type Hosts, listenToHosts } from './firehose/hosts.ts'
import type { SubscriptionState } from './firehose/subscription-options.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import { openImages } from './open-images.ts'
import type { NodePds } from './open-pds.ts'
import { completed } from './open-sink.ts'
import { createOutbound } from './outbound/fetch.ts'
import type { VerifySession } from './pds/session.ts'
import { createTids } from './tid.ts'

/** The AppView, not yet listening: its methods are mounted, its tables are as declared. */
export type AppView = AsyncDisposable & {
  readonly server: Server
  hostStates(): ReadonlyMap<string, SubscriptionState>
  /** Begins to read the hosts' streams; to be called once the own PDS answers. */
  listen(): Promise<void>
}

/** Brings the tables forward and puts the AppView together. */
export async function openAppView(options: {
  config: Config
  did: string
  database: Database
  dataDir: string
  resolver: IdentityResolver
  pds: NodePds
  log: Log
  clock: Clock
}): Promise<AppView> {
  const { config, did, database, dataDir, resolver, pds, log, clock } = options
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  await migrate({ db: openKysely(database.pool), schema: 'node', migrations })
  await prepareViewTables({ pool, indexer, log })

  const progress = createProgress(pool)
  const sink = createSink({
    pool,
    indexer,
    clock,
    applied: ({ revs, outcomes }) => {
      progress.advance(revs)
      log.debug({ outcomes }, 'indexed')
    },
  })
  const own = {
    host: config.publicUrl,
    service: `http://${config.ANGELOS_HOST}:${config.ANGELOS_PORT}`,
  }
  let hosts: Hosts | undefined
  const feeds = listenToFeeds({
    connect: () => new pg.Client({ connectionString: database.url }),
    log,
  })
  const founding = {
    sql: pool,
    writer: pds.writer,
    progress,
    clock,
    log,
    ensureAccount: (handle: string) => pds.ensureAccount(handle),
  }
  const server = createXrpc({
    blobLimitBytes: config.ANGELOS_BLOB_LIMIT_BYTES,
    rateLimits: config.ANGELOS_RATE_LIMITS ?? true,
  })
  const authenticate = createAuthenticate({
    session: ({ req, res }, nsid) => localViewer(pds.session, { req, res, nsid }),
    service: serviceAuth({ sql: pool, resolver, serviceDid: did, clock }),
    isLocal: pds.isHosted,
  })
  const outbound = createOutbound({ development: config.development })
  const announce = createAnnounce({
    pool,
    indexer,
    resolver,
    outbound,
    clock,
    follow: async (identity) => {
      const handle = await resolver.verifyHandle(identity)
      await markFollowed(pool, clock, { did: identity.did, pds: identity.pds, handle })
      hosts?.follow(identity)
    },
  })
  const images = await openImages({ sql: pool, pds, outbound, dataDir, clock, log })
  mountMethods(
    { server, authenticate },
    {
      ...founding,
      ...images,
      announce,
      feeds,
      origin: config.publicUrl,
      nextTid: createTids(clock),
      handleDomain: config.handleDomain,
      isHosted: pds.isHosted,
      uploadBlob: pds.uploadBlob,
    },
  )
  return {
    server,
    hostStates: () => hosts?.states() ?? new Map(),
    listen: async () => {
      hosts = listenToHosts({
        own,
        upstreams: config.ANGELOS_UPSTREAMS,
        followed: await followedAccounts(pool),
        cursorOf: (host) => cursorOf(pool, host),
        development: config.development,
        sink: completed(sink, { sql: pool, pds, resolver, outbound, clock, own }),
        resolver,
        clock,
        log,
      })
      const resumed = await resumeFounding(founding)
      if (resumed > 0) log.info({ spaces: resumed }, 'finished spaces that a stop had interrupted')
    },
    [Symbol.asyncDispose]: async () => {
      await hosts?.close()
      await feeds[Symbol.asyncDispose]()
    },
  }
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
