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

/** A call of a procedure, by whom it may be called. */
type Call<M extends l.Procedure, V> = {
  params: l.InferMethodParams<M>
  input: l.InferMethodInputBody<M>
  encoding: string
  /** How long the body says it is, in bytes. */
  length: number | undefined
  viewer: V
  /** What tells this request from every other of the caller, however often it is sent. */
  idempotencyKey: string | undefined
  /** From which address it came. */
  address: string
}

/** Mounts a procedure; the caller has to be somebody. */
export function procedure<M extends l.Procedure>(
  mount: Mount,
  ns: Main<M>,
  answer: (call: Call<M, Viewer>) => Promise<l.InferMethodOutputBody<M>>,
): void {
  mountProcedure(mount, ns, (call) => answer({ ...call, viewer: required(call.viewer) }), {
    viewerOf: async (exchange) => required(await mount.authenticate(exchange, getMain(ns).nsid)),
  })
}

/** Requests of one address in five minutes that nobody stands behind (`domain.md` AC-20). */
const GUEST_POINTS = 60

/** Mounts a procedure that guests may call too, each address so often; with credentials, they have
 *  to hold. */
export function guestProcedure<M extends l.Procedure>(
  mount: Mount,
  ns: Main<M>,
  answer: (call: Call<M, Viewer | undefined>) => Promise<l.InferMethodOutputBody<M>>,
): void {
  mountProcedure(mount, ns, answer, {
    viewerOf: (exchange) => mount.authenticate(exchange, getMain(ns).nsid),
    rateLimit: {
      durationMs: 300_000,
      points: GUEST_POINTS,
      calcPoints: ({ req }) => (req.headers.authorization === undefined ? 1 : 0),
    },
  })
}

function mountProcedure<M extends l.Procedure>(
  { server, meter }: Mount,
  ns: Main<M>,
  answer: (call: Call<M, Viewer | undefined>) => Promise<l.InferMethodOutputBody<M>>,
  how: {
    viewerOf: (exchange: Exchange) => Promise<Viewer | undefined>
    rateLimit?: {
      durationMs: number
      points: number
      calcPoints: (context: { req: IncomingMessage }) => number
    }
  },
): void {
  const { errors } = getMain(ns)
  const isLimited = (errors ?? []).includes('LimitExceeded')
  type Request = {
    req: IncomingMessage & { ip?: string }
    params: l.InferMethodParams<M>
    input: { body: l.InferMethodInputBody<M>; encoding: string }
    auth: { credentials: Viewer | undefined }
  }
  const config = {
    ...(how.rateLimit && { rateLimit: how.rateLimit }),
    auth: async (exchange: Exchange) => ({ credentials: await how.viewerOf(exchange) }),
    handler: async ({ req, params, input, auth }: Request) => {
      const viewer = auth.credentials
      const length = Number(req.headers['content-length'] ?? Number.NaN)
      const call = {
        params,
        input: input.body,
        encoding: input.encoding,
        viewer,
        idempotencyKey: keyOf(req, input.body),
        address: req.ip ?? req.socket.remoteAddress ?? '',
      }
      try {
        const about = aboutOf(input.body) ?? aboutOf(params)
        if (about !== undefined) meter?.count({ about, caller: viewer?.did, isLimited })
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

const KEY_MAX = 64

/** As the input says, whose lexicon bounds it, or the header (draft-ietf-httpapi-idempotency-key-
 *  header), which proxies do not pass on. Throws `InvalidRequest` for a header that is no key. */
function keyOf({ headers }: IncomingMessage, body: unknown): string | undefined {
  const said = (body as { idempotencyKey?: unknown } | null | undefined)?.idempotencyKey
  if (typeof said === 'string') return said
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && key.length <= KEY_MAX && /^[!-~]+$/.test(key)) return key
  throw new InvalidRequestError(`An idempotency key has 1 to ${KEY_MAX} visible ASCII characters.`)
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
