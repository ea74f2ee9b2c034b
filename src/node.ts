import { mkdir, readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { resolve } from 'node:path'
import type { WebSocketServer } from 'ws'
import { type AppView, openAppView } from './open-appview.ts'
import { type Clock, systemClock, systemTimers } from './clock.ts'
import type { Config } from './config.ts'
import { refusedCertificates } from './appview/tokens/refused-certificates.ts'
import { type Database, openDatabase } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import { type HealthSources, healthOf } from './health.ts'
import { followLedgers } from './follow-ledgers.ts'
import { createBornAt } from './identity/account-birth.ts'
import { createIdentityResolver } from './identity/resolver.ts'
import { keepSpaces } from './keep-spaces.ts'
import { type Log, createLog } from './log.ts'
import { zoneDataVersion } from './appview/booking/local-time.ts'
import { siteRoutes } from './appview/site-routes.ts'
import { xrpcRoutes } from './appview/xrpc.ts'
import { type OriginRoutes, type Upgrade, mountOrigin, routesInTurn } from './pds/origin.ts'
import { describeNode, serviceDid } from './pds/identity.ts'
import { packageNames } from './pds/method-names.ts'
import { withOwnLedger } from './ledger-setting.ts'
import { openCertifying } from './open-certifying.ts'
import { openExchanging } from './open-exchanging.ts'
import { openNodeJobs } from './open-jobs.ts'
import { type NodeLedger, openLedger } from './open-ledger.ts'
import { type NodePds, openPds } from './open-pds.ts'
import { openPublishing } from './open-publishing.ts'
import { openSpaces } from './open-spaces.ts'
import { type Telemetry, openTelemetry } from './open-telemetry.ts'
import { SPACE_PREFIXES } from './permissioned/wire.ts'
import { createOutbound } from './outbound/fetch.ts'
import { startPlc } from './pds/plc.ts'
import { type NodeKeys, loadKeys } from './pds/secrets.ts'
import { createCensus } from './telemetry/census.ts'
import { lookAtHosts } from './telemetry/lag.ts'
import { methodNames, requestWatch } from './telemetry/requests.ts'
import { createTids } from './tid.ts'
import { countedSeat } from './validator/counted-desk.ts'
import { mountEpochMethods } from './validator/epoch-methods.ts'
import { mountValidator } from './validator/methods.ts'
import { visitSpaces } from './visit-spaces.ts'

export type AngelNode = AsyncDisposable & {
  readonly url: string
  readonly did: string
  readonly handleDomain: string
  readonly plcUrl: string
  readonly databaseUrl: string
  /** where an operator reads metrics and readiness; undefined without an admin port */
  readonly adminUrl: string | undefined
}

/** Builds every part in order and hands back one running node; parts stop in reverse order. A
 *  start that fails half-way stops what it has started and throws. */
export async function startNode(
  settings: Config,
  options: { log?: Log; clock?: Clock } = {},
): Promise<AngelNode> {
  const log = options.log ?? createLog({ level: settings.ANGELOS_LOG_LEVEL })
  const clock = options.clock ?? systemClock
  const dataDir = resolve(settings.ANGELOS_DATA_DIR)
  const config = await withOwnLedger(settings, dataDir)
  const { development, publicUrl, handleDomain } = config
  const did = serviceDid(config.ANGELOS_HOSTNAME, config.ANGELOS_PORT, development)
  const versions = await readVersions()

  await using parts = new AsyncDisposableStack()
  const telemetry = parts.use(await openTelemetry({ config, versions, did, clock, log }))
  // The database may run as another user than root; it has to get through to its own folder.
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  const keys = await loadKeys(dataDir)
  const database = parts.use(await openDatabase({ dataDir, url: config.DATABASE_URL, log }))
  const plcUrl = await findPlc(config, database.url, log, parts)
  const identity = describeNode({ ...config, did, keys })
  const overrides = (asked: string) => (asked === did ? identity.document() : undefined)
  const resolver = createIdentityResolver({ plcUrl, development, clock, log, overrides })
  const pds = await openPds({ config, keys, plcUrl, did, dataDir, log, clock })
  parts.defer(() => pds.embedded.close())
  const shared = { config, did, database, dataDir, plcUrl, resolver, pds, telemetry, log, clock }
  const opened = await openParts({ ...shared, keys }, parts)
  const { appView, spaces } = opened
  let up = false
  const health = healthSources({ ...shared, versions, appView, started: () => up })
  const routes = nodeRoutes(shared, appView, () => healthOf(health))
  const watch = await watchRequests(telemetry, appView)
  await pds.embedded.start((server) =>
    mountOrigin({
      server,
      pdsApp: pds.embedded.pds.app,
      serviceDid: did,
      didDocument: identity.document,
      log,
      watch,
      routes,
    }),
  )
  // The PDS makes its tables when it starts, so the node's own account comes after.
  identity.setAccount((await pds.ensureAccount(`node${handleDomain}`, { reserved: true })).did)
  await appView.listen()
  await spaces?.start()
  opened.begin()
  telemetry.started(health, lookedAt(shared, opened))
  up = true
  log.info({ url: publicUrl, did, database: database.kind }, 'the node is up')
  const running = parts.move()
  return {
    url: publicUrl,
    did,
    handleDomain,
    plcUrl,
    databaseUrl: database.url,
    adminUrl: telemetry.url,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

type Shared = Pick<
  Parameters<typeof openAppView>[0],
  'config' | 'did' | 'database' | 'dataDir' | 'resolver' | 'pds' | 'telemetry' | 'log' | 'clock'
> & { readonly plcUrl: string }

/** The AppView, and the permissioned repos that it writes to and that come into it. */
async function openParts(shared: Shared & { keys: NodeKeys }, parts: AsyncDisposableStack) {
  const { config, did, database, resolver, plcUrl, pds, log, clock } = shared
  const nextTid = createTids(clock)
  const timers = { ...systemTimers, now: () => clock.now() }
  const outbound = createOutbound({ development: config.development })
  const keeping = await keepSpaces({ database, pds, clock, nextTid })
  const spaceParts = { did, keeping, nextTid, resolver, outbound, pds, timers, log }
  const visiting = visitSpaces(spaceParts)
  const { jobs, sendMail } = await openNodeJobs({ ...shared, nextTid })
  await using working = new AsyncDisposableStack()
  working.use(jobs)
  const bornAt = createBornAt({ plcUrl })
  const made = { bornAt, keeping, visiting, outbound, nextTid, jobs, sendMail }
  const appView = parts.use(await openAppView({ ...shared, ...made }))
  // Stopped before what its jobs use.
  parts.use(working.move())
  const ledger = parts.use(await openLedger({ ...shared, outbound, timers }))
  mountLedger(appView, ledger, shared.telemetry)
  const follow = async (account: string) => {
    const identity = await resolver.resolve(account)
    if (identity) await appView.follow(identity)
  }
  const following = parts.use(followLedgers({ ...shared, follow: appView.follow, timers }))
  const { epochs, seat } = ledger
  const validator = () => seat.validating()?.desk.opened.validator
  const certifies = { epochs, validator, outbound, follow, timers }
  const certifying = parts.use(openCertifying({ ...shared, ...certifies }))
  const answers = { outbound, timers, catchUp: appView.settleTokens }
  const exchanging = parts.use(openExchanging({ ...shared, ...answers }))
  const publishing = parts.use(openPublishing({ ...shared, seat, timers }))
  return {
    appView,
    ledger,
    certifying,
    begin: () => {
      for (const work of [following, ledger, certifying, publishing]) work.begin()
      if (!config.validatesOnly) exchanging.begin()
    },
    spaces: config.validatesOnly
      ? undefined
      : parts.use(openSpaces({ ...spaceParts, visiting, appView })),
  }
}

/** What the node answers as a validator, as long as it is one. */
function mountLedger(
  { xrpc, service }: AppView,
  { seat }: NodeLedger,
  { events }: Pick<Telemetry, 'events'>,
): void {
  const callerOf = async (req: IncomingMessage, nsid: string) => {
    const [, token = ''] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? []
    return (await service(token, nsid)).did
  }
  mountValidator(xrpc.server, countedSeat(seat, events))
  mountEpochMethods(xrpc.server, { seat, callerOf })
}

/** What is looked at of the node's connections, its verifier and the ledger that it follows. */
function lookedAt(
  { database }: Pick<Shared, 'database'>,
  {
    appView,
    ledger: { seat },
    certifying,
  }: Pick<Awaited<ReturnType<typeof openParts>>, 'appView' | 'ledger' | 'certifying'>,
) {
  const sql = database.pool as unknown as SqlPool
  const ledger = {
    validator: () => {
      const now = seat.validating()?.desk.opened.validator.current()
      return now && { epoch: now.epoch.epoch, phase: now.phase }
    },
    unpublished: () => certifying.unpublished(),
    refused: () => refusedCertificates(sql),
  }
  const { verifier, points } = appView
  return { pools: { main: database.pool, points }, verifier, ledger }
}

/** What the node answers in front of the PDS. */
function nodeRoutes(
  { config, database, pds, log }: Shared,
  { xrpc, webhooks, downloads }: AppView,
  health: () => Promise<{ status: number; body: object }>,
): OriginRoutes {
  const { handleDomain, ANGELOS_HOSTNAME: hostname } = config
  const methods = xrpcRoutes({ xrpc, log, health, prefixes: SPACE_PREFIXES })
  const upgrades = upgradesOf(xrpc.server.subscriptions)
  if (config.validatesOnly) return { ...methods, upgrades }
  const sites = siteRoutes({ sql: database.pool, hostname, handleDomain, didOf: pds.didOf, log })
  return { ...routesInTurn(methods, webhooks, downloads, sites), upgrades }
}

function healthSources(parts: {
  config: Config
  versions: Readonly<Record<string, string>>
  database: Database
  appView: AppView
  pds: NodePds
  telemetry: Telemetry
  clock: Clock
  started: () => boolean
}): HealthSources {
  const { config, versions, database, appView, pds, telemetry, clock, started } = parts
  const ownHost = config.publicUrl
  const hosts = () =>
    lookAtHosts({
      hosts: () => appView.hostStates(),
      ownHost,
      ownBacklog: pds.backlogAfter,
      freshness: telemetry.freshness,
      clock,
    })
  return {
    versions,
    started,
    database: () => database.health(),
    hosts,
    counts: createCensus(database.pool, () => performance.now()),
    pdsAnswers: () => answers(`${config.localUrl}/xrpc/com.atproto.server.describeServer`),
    ownHost,
  }
}

/** Whether something is served there within two seconds. */
async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok === true
}

/** Counts the requests to every method that is served here, by our server and by the PDS. */
async function watchRequests({ events }: Telemetry, { xrpc }: AppView) {
  const served = new Set([...(await packageNames()), ...methodNames(xrpc.server)])
  return requestWatch({ events, served })
}

async function findPlc(
  config: Config,
  databaseUrl: string,
  log: Log,
  parts: AsyncDisposableStack,
): Promise<string> {
  if (config.ANGELOS_PLC_URL) return config.ANGELOS_PLC_URL
  if (!config.development) return 'https://plc.directory'
  const plc = await startPlc({ databaseUrl, port: config.ANGELOS_PLC_PORT, log })
  parts.defer(() => plc.close())
  return plc.url
}

type Subscriptions = ReadonlyMap<string, { wss: WebSocketServer }>
function upgradesOf(subscriptions: Subscriptions): Map<string, Upgrade> {
  return new Map(
    [...subscriptions].map(([nsid, { wss }]) => [
      nsid,
      (req, socket, head) =>
        wss.handleUpgrade(req, socket, head, (ws) => void wss.emit('connection', ws, req)),
    ]),
  )
}

async function readVersions(): Promise<Record<string, string>> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { version, dependencies } = JSON.parse(text) as {
    version: string
    dependencies: Record<string, string>
  }
  const tzdata = zoneDataVersion(process.versions)
  return { version, pds: dependencies['@atproto/pds'] ?? '', node: process.versions.node, tzdata }
}
