import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { type Main, type l, getMain } from '@atproto/lex'
import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { type Authenticate, type Exchange, type Viewer, required } from './access.ts'
import type { Collection } from './define.ts'
import { type DirectQueries, JSON_TYPE, type Respond } from './direct.ts'
import { present } from './look.ts'
import { type Loads, knowing } from './loads.ts'
import { notFound } from './not-found.ts'
import { listRows } from './serve-list.ts'
import type { SqlPool } from './sql.ts'
import type { TenantMeter } from './tenant-meter.ts'

/** Where methods are mounted, and how they learn who calls. */
export type Mount = {
  readonly server: Server
  /** Where queries stand beside the server's routes, to be found without walking those. */
  readonly queries: DirectQueries
  readonly authenticate: Authenticate
  /** Counts what is called for tenants. */
  readonly meter?: Pick<TenantMeter, 'count'>
}

/** What a method needs to read: the views, and the origin to make addresses with. */
export type Reading = {
  readonly sql: SqlPool
  readonly origin: string
  /** Lookups shared by all requests. */
  readonly loads: Loads
}

/** Mounts a query that anybody may call; with credentials, they have to hold. Views hold JSON
 *  values only, so the answer is written out once, here. */
export function query<M extends l.Query>(
  { server, queries, authenticate, meter }: Mount,
  ns: Main<M>,
  answer: (call: {
    params: l.InferMethodParams<M>
    viewer: Viewer | undefined
    /** The name the request came to. */
    host: string | undefined
  }) => Promise<l.InferMethodOutputBody<M>>,
): void {
  const schema = getMain(ns)
  const { nsid } = schema
  const respond: Respond = async (params, exchange) => {
    refuseNul(params)
    const viewer = await authenticate(exchange, nsid)
    const { host } = exchange.req.headers
    const about = aboutOf(params)
    if (about !== undefined) meter?.count({ about, caller: viewer?.did, isLimited: false })
    const body = await answer({ params: params as l.InferMethodParams<M>, viewer, host })
    return JSON.stringify(body)
  }
  type Call = { params: Record<string, unknown> } & Exchange
  const handler = async ({ params, req, res }: Call) => ({
    encoding: JSON_TYPE,
    body: await respond(params, { req, res }),
  })
  server.add(ns, { handler } as never)
  queries.set(`/xrpc/${nsid}`, { schema, respond })
}

/** Mounts a procedure; the caller has to be somebody. */
export function procedure<M extends l.Procedure>(
  { server, authenticate, meter }: Mount,
  ns: Main<M>,
  answer: (call: {
    params: l.InferMethodParams<M>
    input: l.InferMethodInputBody<M>
    encoding: string
    /** How long the body says it is, in bytes. */
    length: number | undefined
    viewer: Viewer
  }) => Promise<l.InferMethodOutputBody<M>>,
): void {
  const { nsid, errors } = getMain(ns)
  const isLimited = (errors ?? []).includes('LimitExceeded')
  type Call = {
    req: IncomingMessage
    params: l.InferMethodParams<M>
    input: { body: l.InferMethodInputBody<M>; encoding: string }
    auth: { credentials: Viewer }
  }
  const config = {
    auth: async (exchange: Parameters<Authenticate>[0]) => ({
      credentials: required(await authenticate(exchange, nsid)),
    }),
    handler: async ({ req, params, input, auth }: Call) => {
      const viewer = auth.credentials
      const length = Number(req.headers['content-length'] ?? Number.NaN)
      const call = { params, input: input.body, encoding: input.encoding, viewer }
      try {
        const about = aboutOf(input.body) ?? aboutOf(params)
        if (about !== undefined) meter?.count({ about, caller: viewer.did, isLimited })
        const body = await answer({ ...call, length: Number.isNaN(length) ? undefined : length })
        return { encoding: 'application/json', body }
      } finally {
        // Who still sends what was refused would wait for it to be read.
        if (input.body instanceof Readable) input.body.resume()
      }
    },
  }
  server.add(ns, config as never)
}

/** Mounts what the declarations promise: one get and the lists of every collection. */
export function mountCollections(
  mount: Mount,
  { sql, origin, loads }: Reading,
  collections: readonly Collection[],
): void {
  for (const c of collections) {
    if (c.get) {
      query(mount, c.get, async ({ params, viewer }) => {
        const { uri } = params as { uri: string }
        const found = await loads.row(c, uri, viewer?.did)
        if (!found) throw notFound(uri)
        const here = knowing(loads, found.author)
        const looking = { sql, origin, loads: here, viewer: viewer?.did }
        return (await present(c, [found.row], looking))[0] as never
      })
    }
    for (const list of c.lists) {
      query(mount, list.query, async ({ params, viewer }) => {
        const looking = { sql, origin, loads, viewer: viewer?.did }
        const asked = params as Record<string, unknown>
        const { rows, cursor } = await listRows(looking, c, list, asked)
        const items = await present(c, rows, looking)
        return { items, cursor } as never
      })
    }
  }
}

/** The account a call is about: a tenant or a space. */
function aboutOf(asked: unknown): string | undefined {
  if (typeof asked !== 'object' || asked === null) return undefined
  const { tenant, space } = asked as { tenant?: unknown; space?: unknown }
  const about = tenant ?? space
  return typeof about === 'string' ? about : undefined
}

/** Nothing stored holds U+0000, and Postgres takes it for an error; so the caller is told. */
function refuseNul(params: Readonly<Record<string, unknown>>): void {
  for (const name in params)
    if (holdsNul(params[name]))
      throw new InvalidRequestError(`${name} must not hold the character U+0000.`)
}

function holdsNul(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsNul) : String(value).includes('\0')
}
