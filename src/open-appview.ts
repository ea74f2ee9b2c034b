import pg from 'pg'
import { type Authenticate, type Viewer, createAuthenticate } from './appview/access.ts'
import { createAnnounce } from './appview/announce.ts'
import { collections } from './appview/collections/index.ts'
import { downloadRoutes } from './appview/downloads/download-routes.ts'
import { listenToFeeds } from './appview/feed-listener.ts'
import { Indexer } from './appview/index-record.ts'
import { type Karma, createKarma } from './appview/karma/keep-karma.ts'
import { createLoads } from './appview/loads.ts'
import { noteLogin } from './appview/logins.ts'
import { beginBooking } from './appview/methods/booking/begin-booking.ts'
import { type MethodDeps, mountMethods } from './appview/methods/index.ts'
import { readTokens } from './appview/methods/tokens/read-tokens.ts'
import { migrations } from './appview/migrations/index.ts'
import { beginOrders, paymentEffect } from './appview/orders/order-clocks.ts'
import { createProgress } from './appview/progress.ts'
import { createProveDomain } from './appview/prove-domain.ts'
import { type ServiceAuth, serviceAuth } from './appview/service-auth.ts'
import { createSpaceSink } from './appview/space-sink.ts'
import type { SqlPool } from './appview/sql.ts'
import { createSyncStore } from './appview/sync-store.ts'
import { type TenantMeter, createTenantMeter } from './appview/tenant-meter.ts'
import { type TokenBook, createTokenBook } from './appview/tokens/keep-token-book.ts'
import { ledgersNamed } from './appview/tokens/token-ledgers.ts'
import { prepareViewTables } from './appview/view-tables.ts'
import { type Xrpc, createXrpc } from './appview/xrpc.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely, openPool } from './database/pool.ts'
import type { SubscriptionState } from './firehose/subscription-options.ts'
import type { Verifier } from './firehose/verifier.ts'
import type { BornAt } from './identity/account-birth.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { SpaceKeeping } from './keep-spaces.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Log } from './log.ts'
import type { SendMail } from './mail/mail.ts'
import { actingParts, finishAndBegin } from './open-acting.ts'
import { openImages } from './open-images.ts'
import { type NodePayments, openPayments } from './open-payments.ts'
import type { NodePds } from './open-pds.ts'
import { providerSigner } from './provider-signer.ts'
import { type Sync, openSync } from './open-sync.ts'
import type { Telemetry } from './open-telemetry.ts'
import type { Outbound } from './outbound/fetch.ts'
import { createTxtRecords } from './outbound/txt-records.ts'
import { admittingWriter } from './public-admissions.ts'
import type { VerifySession } from './pds/session.ts'
import type { SpaceSink } from './permissioned/sink.ts'
import { guestWriter, placedWriter } from './space-writer.ts'
import type { SpaceVisiting } from './visit-spaces.ts'

/** The AppView, not yet listening: its methods are mounted, its tables are as declared. */
export type AppView = AsyncDisposable & {
  readonly xrpc: Xrpc
  /** Checks service tokens; shared, so that each is good for one request whatever it is for. */
  readonly service: ServiceAuth
  /** Where permissioned repos come into the views. */
  readonly spaceSink: SpaceSink
  hostStates(): ReadonlyMap<string, SubscriptionState>
  readonly verifier: Pick<Verifier, 'queued'>
  /** Where payment providers send what has happened. */
  readonly webhooks: NodePayments['webhooks']
  /** Where files are that somebody has bought. */
  readonly downloads: ReturnType<typeof downloadRoutes>
  /** the connections that serve lookups by key */
  readonly points: pg.Pool
  /** Has the repo of an account read here from now on, wherever it is hosted. */
  readonly follow: Sync['follow']
  /** Takes in what has come of ledgers of tokens since. */
  readonly settleTokens: () => Promise<void>
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
  bornAt: BornAt
  pds: NodePds
  keeping: SpaceKeeping
  visiting: SpaceVisiting
  outbound: Outbound
  nextTid: () => string
  jobs: Jobs
  keys: { readonly linkSecret: string }
  sendMail: SendMail
  telemetry: Pick<Telemetry, 'events' | 'freshness'>
  log: Log
  clock: Clock
}

/** Brings the tables forward and puts the AppView together. */
export async function openAppView(options: Options): Promise<AppView> {
  await using opened = new AsyncDisposableStack()
  const { database, dataDir, resolver, pds, keeping, outbound, log, clock } = options
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  const db = openKysely(database.pool)
  await migrate({ db, schema: 'node', migrations })
  await prepareViewTables({ pool, indexer, log })
  const images = await openImages({ sql: pool, pds, outbound, dataDir, clock, log })

  const points = openPool({ url: database.url, max: POINT_CONNECTIONS, log, pointReads: true })
  opened.defer(() => points.end())
  const loads = createLoads(points as unknown as SqlPool)
  const progress = createProgress(pool)
  const store = createSyncStore({ pool, indexer, clock })
  const sync = openSync({ ...options, store, progress, outbound })
  // A connection that only listens would never notice by itself that its server is gone.
  const lasting = { connectionTimeoutMillis: 10_000, keepAlive: true }
  const connect = () => new pg.Client({ connectionString: database.url, ...lasting })
  const feeds = opened.use(listenToFeeds({ connect, log }))
  const spaces = { sql: pool, store: keeping.store, clock, isHosted: pds.isHosted }
  const writer = placedWriter(admittingWriter(pds.writer, { pool, clock }), spaces)
  const named = (dids: readonly string[]) => sync.named(dids)
  const spaceSink = createSpaceSink({ pool, indexer, progress, clock, named })
  const service = serviceAuth({ sql: pool, resolver, serviceDid: options.did, clock })
  const acting = actingParts(options, { pool, writer, progress })
  const people = peopleParts(options, acting)
  const payments = await openPayments({ ...options, sql: pool })
  pds.noteLogins((did) => noteLogin({ sql: pool, clock }, did))
  const guests = guestWriter({ ...spaces, resolver, outbound })
  const { provider } = payments
  const parts = { ...acting, ...images, indexer, loads, sync, feeds, guests, provider, ...people }
  payments.onEvent(paymentEffect(parts))
  const meter = opened.use(createTenantMeter({ sql: pool, outbox: options.jobs, clock, log }))
  opened.defer(() => sync.close())
  const xrpc = mountAll(options, { ...parts, pool, service, meter })
  const running = opened.move()
  return {
    xrpc,
    service,
    spaceSink,
    hostStates: () => sync.states(),
    verifier: sync.verifier,
    points,
    follow: sync.follow,
    settleTokens: () => people.tokens.catchUp(),
    webhooks: payments.webhooks,
    downloads: downloadsOf(options, acting),
    listen: async () => {
      await meter.settle()
      await sync.start()
      await beginTokens(options, people.tokens)
      if (options.config.validatesOnly) return
      await finishAndBegin(options, { ...acting, ...people, guests })
      await beginBusiness(options, parts)
      await payments.begin()
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Where files are that somebody has bought. */
function downloadsOf({ pds, log }: Options, acting: ReturnType<typeof actingParts>) {
  const readFile = (did: string, cid: string) => pds.privateBlobs.read(did, cid)
  return downloadRoutes({ ...acting, readFile, log })
}

type Base = { pool: SqlPool; indexer: Indexer; sync: Sync }
type Parts = Base & { service: ServiceAuth; meter: TenantMeter } & Omit<
    MethodDeps,
    keyof ReturnType<typeof settled>
  >

/** Mounts the methods of the node's role on a server of their own. */
function mountAll(options: Options, parts: Parts): Xrpc {
  const { config } = options
  const xrpc = createXrpc({
    blobLimitBytes: config.ANGELOS_BLOB_LIMIT_BYTES,
    rateLimits: config.ANGELOS_RATE_LIMITS ?? true,
  })
  const { service, meter } = parts
  const mount = { ...xrpc, authenticate: authenticator(options, service), meter }
  const mountThem = config.validatesOnly ? readTokens : mountMethods
  mountThem(mount, { ...parts, ...settled(options, parts) })
  return xrpc
}

/** What methods use that follows from the node's settings and its other parts. */
function settled(
  { config, pds, resolver, outbound, visiting, clock, nextTid }: Options,
  { pool, indexer, sync }: Base,
) {
  return {
    announce: createAnnounce({
      pool,
      indexer,
      resolver,
      outbound,
      clock,
      follow: sync.follow,
      syncSpaceRepo: (space, author) => visiting.fetchNow(space, author),
    }),
    origin: config.publicUrl,
    nextTid,
    handleDomain: config.handleDomain,
    isHosted: pds.isHosted,
    didOf: pds.didOf,
    proveDomain: createProveDomain({
      txtRecords: createTxtRecords({ servers: config.ANGELOS_DNS_SERVERS }),
      outbound,
    }),
    emailOf: pds.emailOf,
    uploadBlob: pds.uploadBlob,
    hosts: sync.hosts,
    isAdmin: pds.isAdmin,
    ownHost: config.publicUrl,
    development: config.development,
    usdRate: usdRateOf(config),
    providerSigner: providerSigner({ config, resolver }),
    spaceGrants: visiting.grants,
  }
}

/** Micro-tokens for a dollar, where the operator has set a rate. */
function usdRateOf({ ANGELOS_TOKEN_USD_RATE: rate }: Config) {
  return rate === undefined ? undefined : { num: BigInt(rate), den: 1n }
}

/** How people are reached, and where this node is. */
function served({ config, sendMail }: Options) {
  return { sendMail, origin: config.publicUrl }
}

/** Begins what is done for businesses by jobs. */
async function beginBusiness(
  options: Options,
  parts: ReturnType<typeof actingParts> & Pick<NodePayments, 'provider'>,
): Promise<void> {
  await beginOrders({ ...parts, ...served(options) }, options.jobs)
  await beginBooking(options.jobs, { ...parts, ...served(options) })
}

/** Takes in what comes of ledgers, whoever looks at them or not. */
async function beginTokens({ jobs }: Options, tokens: TokenBook): Promise<void> {
  await tokens.settle()
  await jobs.every('tokens', '* * * * *', () => tokens.settle())
}

/** What is kept of people beside their records. */
function peopleParts(
  { config, pds, bornAt }: Options,
  acting: ReturnType<typeof actingParts>,
): { karma: Karma; tokens: TokenBook; nodeAccount: () => Promise<string> } {
  const nodeAccount = nodeAccountOf(config, pds)
  const karma = createKarma({ ...acting, nodeAccount, bornAt })
  const ledgers = ledgersNamed(config.ANGELOS_TOKEN_LEDGER)
  const tokens = createTokenBook({ ...acting, ledgers })
  return { nodeAccount, karma, tokens }
}

/** The node's own account, which is made when the PDS has started. */
function nodeAccountOf(config: Config, pds: NodePds): () => Promise<string> {
  let made: Promise<string> | undefined
  return () => {
    const handle = `node${config.handleDomain}`
    made ??= pds.ensureAccount(handle, { reserved: true }).then(({ did }) => did)
    made.catch(() => (made = undefined))
    return made
  }
}

function authenticator({ pds }: Options, service: ServiceAuth): Authenticate {
  return createAuthenticate({
    session: ({ req, res }, nsid) => localViewer(pds.session, { req, res, nsid }),
    isSession: pds.session.remembers,
    service,
    isLocal: pds.isHosted,
  })
}

async function localViewer(
  session: VerifySession,
  call: { req: Parameters<VerifySession>[0]; res: Parameters<VerifySession>[1]; nsid: string },
): Promise<Viewer> {
  const caller = await session(call.req, call.res, call.nsid)
  if (caller.kind === 'session') return { did: caller.did, kind: 'local', full: true }
  if (caller.kind !== 'oauth') return { did: caller.did, kind: 'local' }
  const { permissions } = caller
  return {
    did: caller.did,
    kind: 'local',
    assertMayWrite: (action, collection) =>
      permissions.assertRepo({ action, collection: collection as never }),
  }
}
