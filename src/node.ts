import { mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { WebSocketServer } from 'ws'
import { openAppView } from './open-appview.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { openDatabase } from './database/database.ts'
import { healthOf } from './health.ts'
import { createIdentityResolver } from './identity/resolver.ts'
import { type Log, createLog } from './log.ts'
import { xrpcRoutes } from './appview/xrpc.ts'
import { type Upgrade, mountOrigin } from './pds/origin.ts'
import { type NodeDidDocument, didDocument, serviceDid } from './pds/identity.ts'
import { openPds } from './open-pds.ts'
import { startPlc } from './pds/plc.ts'
import { loadKeys } from './pds/secrets.ts'

export type AngelNode = AsyncDisposable & {
  readonly url: string
  readonly did: string
  readonly handleDomain: string
  readonly plcUrl: string
  readonly databaseUrl: string
}

/** Builds every part in order and hands back one running node; parts stop in reverse order. A
 *  start that fails half-way stops what it has started and throws. */
export async function startNode(
  config: Config,
  options: { log?: Log; clock?: Clock } = {},
): Promise<AngelNode> {
  const log = options.log ?? createLog({ level: config.ANGELOS_LOG_LEVEL })
  const clock = options.clock ?? systemClock
  const dataDir = resolve(config.ANGELOS_DATA_DIR)
  const { development, publicUrl, handleDomain } = config
  const did = serviceDid(config.ANGELOS_HOSTNAME, config.ANGELOS_PORT, development)

  await using parts = new AsyncDisposableStack()
  // The database may run as another user than root; it has to get through to its own folder.
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  const keys = await loadKeys(dataDir)
  const database = parts.use(await openDatabase({ dataDir, url: config.DATABASE_URL, log }))
  const plcUrl = await findPlc(config, database.url, log, parts)
  const document = { current: undefined as NodeDidDocument | undefined }
  const resolver = createIdentityResolver({
    plcUrl,
    development,
    clock,
    log,
    overrides: (asked) => (asked === did ? (document.current as never) : undefined),
  })
  const pds = await openPds({ config, keys, plcUrl, did, dataDir, log, clock })
  parts.defer(() => pds.embedded.close())
  const [serviceKey, validatorKey] = [keys.serviceKey.did(), keys.validatorKey.did()]
  const describe = (account?: string) =>
    (document.current = didDocument({ did, publicUrl, serviceKey, validatorKey, account }))
  describe()

  const appView = parts.use(
    await openAppView({ config, did, database, dataDir, resolver, pds, log, clock }),
  )
  const versions = await readVersions()
  const routes = xrpcRoutes({
    server: appView.server,
    log,
    health: () =>
      healthOf({
        versions,
        database: database.health,
        hosts: appView.hostStates,
        newestSeq: pds.newestSeq,
        ownHost: publicUrl,
      }),
  })
  await pds.embedded.start((server) =>
    mountOrigin({
      server,
      pdsApp: pds.embedded.pds.app,
      serviceDid: did,
      didDocument: () => document.current!,
      log,
      routes: { ...routes, upgrades: upgradesOf(appView.server.subscriptions) },
    }),
  )
  // The PDS makes its tables when it starts, so the node's own account comes after.
  describe((await pds.ensureAccount(`node${handleDomain}`, { reserved: true })).did)
  await appView.listen()
  log.info({ url: publicUrl, did, database: database.kind }, 'the node is up')
  const running = parts.move()
  return {
    url: publicUrl,
    did,
    handleDomain,
    plcUrl,
    databaseUrl: database.url,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
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
  return { version, pds: dependencies['@atproto/pds'] ?? '', node: process.versions.node }
}
