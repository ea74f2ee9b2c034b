import { createServer } from 'node:http'
import { pino } from 'pino'
import { collections } from '../../src/appview/collections/index.ts'
import { Indexer } from '../../src/appview/index-record.ts'
import { createProgress } from '../../src/appview/progress.ts'
import { serviceAuth } from '../../src/appview/service-auth.ts'
import { createSpaceSink } from '../../src/appview/space-sink.ts'
import { createXrpc } from '../../src/appview/xrpc.ts'
import { openPool } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { createIdentityResolver } from '../../src/identity/resolver.ts'
import { co } from '../../src/lexicons/index.ts'
import { createLog } from '../../src/log.ts'
import { openSpaces } from '../../src/open-spaces.ts'
import { createOutbound } from '../../src/outbound/fetch.ts'
import { admissionGuard, createAdmission } from '../../src/permissioned/store/admission.ts'
import { PRIVATE_SPACE } from '../../src/permissioned/audience.ts'
import { createSpaceGrants } from '../../src/permissioned/store/grants.ts'
import { type SpaceBatch, createSpaceStore } from '../../src/permissioned/store/store.ts'
import { createTids } from '../../src/tid.ts'
import { visitSpaces } from '../../src/visit-spaces.ts'
import { CLUB, HOSTED, NODE_DIDS, type NodeName, type Time, fastTimers, signerOf } from './cast.ts'
import { type Crash, Mortality } from './crash-points.ts'

/** What one life of a node is given. */
export type Life = {
  readonly node: NodeName
  readonly databaseUrl: string
  readonly plcUrl: string
  readonly port: number
  readonly time: Time
  readonly crash: Crash | undefined
}

/** What a node is told. */
export type Order =
  | { readonly kind: 'live'; readonly life: Life }
  | { readonly kind: 'crash'; readonly crash: Crash | undefined }
  | { readonly kind: 'write'; readonly id: number; readonly batch: SpaceBatch }
  | { readonly kind: 'grant'; readonly id: number; readonly did: string }

/** What came of an order. */
export type Answer = { readonly id: number; readonly rev?: string; readonly error?: string }

const mortality = new Mortality()
const log = createLog({ level: 'warn', to: pino.destination({ dest: 2, sync: true }) })
/** Orders may come while it is still coming to life. */
const born = Promise.withResolvers<Awaited<ReturnType<typeof live>>>()

/** A node without a PDS: store, tail, hosts, deliveries and syncer, as the node wires them. */
async function live({ node: name, databaseUrl, plcUrl, port, time, crash }: Life) {
  mortality.arm(crash)
  const timers = fastTimers(time)
  const did = NODE_DIDS[name]
  const pool = mortality.pool(openPool({ url: databaseUrl, max: 8, log }) as unknown as SqlPool)
  const outbound = mortality.outbound(createOutbound({ development: true }))
  const resolver = createIdentityResolver({
    plcUrl,
    development: true,
    clock: timers,
    log,
    outbound,
  })
  const nextTid = createTids(timers)
  const guards = [
    admissionGuard({ membershipType: co.kendev.spaces.membership.$type, clock: timers }),
  ]
  const validate = () => ({ ok: true }) as const
  const store = createSpaceStore({ pool, clock: timers, nextTid, validate, guards })
  const keeping = {
    pool,
    store,
    admission: createAdmission({ pool }),
    grants: createSpaceGrants(pool, timers),
    isKnown: () => true,
  }
  const isHosted = (who: string) => HOSTED[name].includes(who)
  const pds = {
    isHosted: async (who: string) => isHosted(who),
    statusOf: async (who: string) => (isHosted(who) ? ('active' as const) : undefined),
    signAs: (who: string) => async (bytes: Uint8Array) => signerOf(who).sign(bytes),
    session: () => Promise.reject(new Error('nobody has a session')),
    privateBlobs: {},
  }
  const shared = { did, keeping, resolver, outbound, timers, log }
  const visiting = visitSpaces({ ...shared, pds })
  const xrpc = createXrpc({ blobLimitBytes: 1_000_000, rateLimits: false })
  const progress = createProgress(pool)
  const indexer = new Indexer(collections)
  const spaceSink = createSpaceSink({
    pool,
    indexer,
    progress,
    clock: timers,
    named: () => undefined,
  })
  const service = serviceAuth({ sql: pool, resolver, serviceDid: did, clock: timers })
  const appView = { xrpc, service, spaceSink } as never
  const spaces = openSpaces({ ...shared, visiting, pds: pds as never, appView, nextTid })
  const http = createServer(xrpc.server.router)
  await new Promise<void>((resolve) => void http.listen(port, '127.0.0.1', resolve))
  await spaces.start()
  return { store, grants: visiting.grants, timers }
}

async function carryOut(order: Order): Promise<void> {
  if (order.kind === 'live') {
    born.resolve(await live(order.life))
    process.send?.('alive')
  } else if (order.kind === 'crash') mortality.arm(order.crash)
  else if (order.kind === 'write')
    answer(order.id, (await born.promise).store.applyWrites(order.batch))
  else {
    const { timers, grants } = await born.promise
    const createdAt = timers.now().toISOString()
    const about = { authority: CLUB, spaceType: PRIVATE_SPACE, actions: ['read', 'create'] }
    answer(order.id, grants.put(order.did, { ...about, createdAt }))
  }
}

function answer(id: number, work: Promise<{ rev: string } | void>): void {
  const tell = (told: Answer) => void process.send?.(told)
  work.then(
    (done) => tell({ id, ...(done && { rev: done.rev }) }),
    (error: unknown) => tell({ id, error: String(error) }),
  )
}

process.on('disconnect', () => process.exit())
process.on('message', (order) => {
  carryOut(order as Order).catch((err: unknown) => {
    log.error({ err }, 'it cannot live')
    process.exit(1)
  })
})
process.send?.('loaded')
