import { type AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import { cidForLex, encode } from '@atproto/lex-cbor'
import { resumeActs } from '../src/appview/act.ts'
import { createSignedLinks } from '../src/appview/business/signed-links.ts'
import { type Transact, createTransact } from '../src/appview/business/transact.ts'
import { collections } from '../src/appview/collections/index.ts'
import { tenantMembership } from '../src/appview/collections/platform/tenant-membership.ts'
import { Indexer } from '../src/appview/index-record.ts'
import { lexRecord } from '../src/appview/lex-record.ts'
import { createLoads } from '../src/appview/loads.ts'
import { mountMethods } from '../src/appview/methods/index.ts'
import { migrations as nodeMigrations } from '../src/appview/migrations/index.ts'
import type { RepoWriter } from '../src/appview/own-record.ts'
import { createProgress } from '../src/appview/progress.ts'
import { recordUri } from '../src/appview/reference.ts'
import { createSpaceSink } from '../src/appview/space-sink.ts'
import { createTurns } from '../src/appview/turns.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { createXrpc } from '../src/appview/xrpc.ts'
import { type Clock, systemTimers } from '../src/clock.ts'
import { migrate } from '../src/database/migrate.ts'
import { openKysely } from '../src/database/pool.ts'
import { type SqlPool, transaction } from '../src/database/sql.ts'
import { openJobs } from '../src/jobs/jobs.ts'
import { type Log, silentLog } from '../src/log.ts'
import { lexiconValidator } from '../src/pds/lexicon-validator.ts'
import { migrations as spaceMigrations } from '../src/permissioned/migrations/index.ts'
import { TENANT_SPACE, audienceUri } from '../src/permissioned/audience.ts'
import { createSpaceStore } from '../src/permissioned/store/store.ts'
import { createTail } from '../src/permissioned/store/tail.ts'
import { placedWriter } from '../src/space-writer.ts'
import { createTids } from '../src/tid.ts'

/** The business part of a node with its methods, without a PDS: whoever names themselves in the
 *  header `x-did` is believed. */
export type BusinessNode = AsyncDisposable & {
  readonly url: string
  readonly pool: SqlPool
  readonly transact: Transact
  /** All that methods and jobs are given. */
  readonly deps: BusinessDeps
  /** Settles when the views have all that was written. */
  drain(): Promise<void>
}

type BusinessDeps = Record<string, unknown> & {
  readonly outbox: Awaited<ReturnType<typeof openJobs>>
}

/** Opens it on a database; `pool` may be one on which steps are watched. */
export async function businessNode(options: {
  pool: SqlPool
  database: Parameters<typeof openKysely>[0]
  clock: Clock
  log?: Log
  /** What else methods and jobs need, of what has been made. */
  more?: (deps: BusinessDeps) => Record<string, unknown>
  /** Begins what is done by jobs, before anything is asked. */
  begin?: (deps: BusinessDeps) => Promise<void>
}): Promise<BusinessNode> {
  const { pool, database, clock, log = silentLog } = options
  const db = openKysely(database)
  await migrate({ db, schema: 'repo', migrations: spaceMigrations })
  await migrate({ db, schema: 'node', migrations: nodeMigrations })
  const indexer = new Indexer(collections)
  await prepareViewTables({ pool, indexer, log })
  const nextTid = createTids(clock)
  const validate = lexiconValidator(collections.map((c) => c.schema))
  const store = createSpaceStore({ pool, clock, nextTid, validate })
  const progress = createProgress(pool)
  const sink = createSpaceSink({ pool, indexer, progress, clock, named: () => undefined })
  const timers = { ...systemTimers, now: () => clock.now() }
  const tail = createTail({ sql: pool, sink, store, timers, log })
  tail.start()
  const jobs = await openJobs({ pool, log })
  const isHosted = async () => true
  const spaces = { sql: pool, store, clock, isHosted }
  const acting = {
    sql: pool,
    outbox: jobs,
    writer: placedWriter(publicWriter({ pool, indexer, clock, nextTid }), spaces),
    versions: { cidOf: cidOfAny(pool) },
    progress,
    clock,
    nextTid,
    log,
  }
  await resumeActs(acting)
  const transact = createTransact({ outbox: jobs, together: store, progress, clock, nextTid })
  const made: BusinessDeps = {
    ...acting,
    outbox: jobs,
    origin: 'http://business.test',
    loads: createLoads(pool),
    links: createSignedLinks('a secret of the tests'),
    inTurn: createTurns(),
    isHosted,
    transact,
  }
  const deps = { ...made, ...options.more?.(made) }
  await options.begin?.(deps)
  const xrpc = createXrpc({ blobLimitBytes: 1_000_000, rateLimits: false })
  const authenticate = async ({ req }: { req: { headers: Record<string, unknown> } }) => {
    const did = req.headers['x-did']
    return typeof did === 'string' ? ({ did, kind: 'local', full: true } as const) : undefined
  }
  mountMethods({ ...xrpc, authenticate } as never, deps as never)
  const http = createServer(xrpc.server.router)
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    pool,
    transact,
    deps,
    drain: () => tail.drain(),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      http.close()
      await jobs[Symbol.asyncDispose]()
      await tail[Symbol.asyncDispose]()
    },
  }
}

/** A public repo whose records come into the views as they are written. */
function publicWriter(parts: {
  pool: SqlPool
  indexer: Indexer
  clock: Clock
  nextTid: () => string
}): RepoWriter {
  const { pool, indexer, clock, nextTid } = parts
  const write = async (at: { did: string; collection: string; rkey: string }, value?: object) => {
    const rev = nextTid()
    const record = value && lexRecord({ ...value, $type: at.collection })
    const cid = record ? String(await cidForLex(record)) : null
    const bytes = record ? encode(record) : null
    await transaction(pool, (tx) =>
      indexer.write(tx, { ...at, rev, cid, bytes }, { now: clock.now() }),
    )
    const uri = recordUri(at.did, at.collection, at.rkey)
    return { did: at.did, rev: '', results: [{ uri, cid: cid ?? undefined }] }
  }
  return {
    putRecord: ({ did, collection, rkey, record }) => write({ did, collection, rkey }, record),
    deleteRecord: ({ did, collection, rkey }) => write({ did, collection, rkey }),
    putAll: async ({ did, puts }) => {
      for (const { record, ...at } of puts) await write({ did, ...at }, record)
      return { did, rev: '', results: [] }
    },
    createAll: async ({ did, creates }) => {
      for (const { record, ...at } of creates) await write({ did, ...at }, record)
      return { did, rev: '', results: [] }
    },
    head: async () => ({ rev: '', swapHead: '' }),
  }
}

function cidOfAny(pool: SqlPool) {
  return async (at: { did: string; collection: string; rkey: string; place: string }) => {
    const { did, collection, rkey, place } = at
    const [text, values] =
      place === '' ? [PUBLIC, [did, collection, rkey]] : [IN_SPACE, [place, did, collection, rkey]]
    return (await pool.query<{ cid: string | null }>(text, values)).rows[0]?.cid ?? undefined
  }
}

const PUBLIC = 'select cid from appview.record where did = $1 and collection = $2 and rkey = $3'
const IN_SPACE = `select cid from repo.record
  where space = $1 and did = $2 and collection = $3 and rkey = $4`

/** Sets a tenant up, with its staff by their roles. */
export async function foundTenant(
  { pool }: Pick<BusinessNode, 'pool'>,
  { tenant, staff }: { tenant: string; staff: Readonly<Record<string, string>> },
): Promise<void> {
  const [owner] = Object.keys(staff)
  await pool.query(
    `insert into node.tenant (id, did, subdomain, name, owner, "businessType", template, status,
       plan, limits, features, billing, "isProvisioned", "createdBy", "createdAt", "updatedAt")
     values ($1, $1, $1, 'Garage', $2, 'service', 'service-provider', 'active', 'enterprise', $3,
       '{crm,ecommerce,branding}', '{}', true, $2, now(), now()) on conflict do nothing`,
    [tenant, owner, JSON.stringify(UNLIMITED)],
  )
  for (const [did, role] of Object.entries(staff))
    await pool.query(
      `insert into repo.admission (authority, subject, role, status, rev)
       values ($1, $2, $3, 'active', '') on conflict do nothing`,
      [tenant, did, role],
    )
}

/** Sets a business up, with the records that say who works for it. */
export async function foundBusiness(
  node: BusinessNode,
  tenant: string,
  staff: Readonly<Record<string, string>>,
): Promise<void> {
  await foundTenant(node, { tenant, staff })
  const place = audienceUri(tenant, 'members', TENANT_SPACE)
  const joinedAt = '2026-11-23T10:00:00Z'
  const writes = Object.entries(staff).map(([subject, role]) => {
    const record = { subject, role, permissions: [], status: 'active', joinedAt }
    return { place, collection: tenantMembership.nsid, rkey: subject, record }
  })
  const by = { actor: tenant, role: 'owner', action: 'found' }
  await node.transact({ tenant }, async () => ({ answer: null, writes, by }))
}

const UNLIMITED = {
  users: 1_000,
  spaces: 1_000,
  products: 100_000,
  storageMb: 100_000,
  apiCallsPerMonth: 1_000_000_000,
  ordersPerMonth: 1_000_000,
}

/** Somebody who calls methods of it. */
export function caller(url: string, did: string | undefined) {
  const headers = { 'content-type': 'application/json', ...(did && { 'x-did': did }) }
  const read = async (response: Response) => {
    const body = (await response.json()) as Record<string, unknown>
    if (response.ok) return body
    throw Object.assign(new Error(`${String(body['error'])}: ${String(body['message'])}`), {
      error: body['error'],
      message: body['message'],
      status: response.status,
    })
  }
  return {
    get: async <T = Record<string, unknown>>(nsid: string, params: Record<string, string> = {}) =>
      (await read(
        await fetch(`${url}/xrpc/${nsid}?${String(new URLSearchParams(params))}`, { headers }),
      )) as T,
    call: async <T = Record<string, unknown>>(nsid: string, body: object = {}) =>
      (await read(
        await fetch(`${url}/xrpc/${nsid}`, { method: 'POST', headers, body: JSON.stringify(body) }),
      )) as T,
  }
}
