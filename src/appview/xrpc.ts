import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  InvalidRequestError,
  MemoryRateLimiter,
  type Server,
  XRPCError,
  createServer,
} from '@atproto/xrpc-server'
import { isValueError } from '../database/pool.ts'
import type { Log } from '../log.ts'
import { type DirectQueries, directRoute } from './direct.ts'

const JSON_MAX_BYTES = 1_000_000
const URL_MAX = 8_192
const MINUTE = 60_000

/** The server our methods are mounted on, and its queries to be answered directly. */
export type Xrpc = { readonly server: Server; readonly queries: DirectQueries }

/** Makes it, with nothing mounted. Bodies, and requests by address, are limited. */
export function createXrpc(options: { blobLimitBytes: number; rateLimits: boolean }): Xrpc {
  const server = createServer([], {
    validateResponse: false,
    payload: {
      jsonLimit: JSON_MAX_BYTES,
      textLimit: JSON_MAX_BYTES,
      blobLimit: options.blobLimitBytes,
    },
    // What is not ours belongs to the PDS behind us; see `handles`.
    catchall: (_req, _res, next) => next(),
    errorParser: toAnswer,
    ...(options.rateLimits && {
      rateLimits: {
        creator: (limit) => new MemoryRateLimiter(limit),
        global: [{ name: 'angelos-ip', durationMs: 5 * MINUTE, points: 3_000 }],
      },
    }),
  })
  server.router.set('etag', false)
  server.router.disable('x-powered-by')
  server.router.set('trust proxy', ['loopback', 'linklocal', 'uniquelocal'])
  return { server, queries: new Map() }
}

/** Lexicons allow text and dates that Postgres does not: that is for the caller to mend. */
function toAnswer(error: unknown): XRPCError {
  if (!isValueError(error)) return XRPCError.fromError(error)
  const message = 'The request holds text, a date or a number that this node cannot store.'
  return new InvalidRequestError(message, undefined, { cause: error })
}

type Route = (req: IncomingMessage, res: ServerResponse) => void

/** Wraps our router for the node's origin: cross-origin headers, a request id in answer and log,
 *  one log line per request, and paths of ours that end here even when no method answers. */
export function xrpcRoutes(options: {
  xrpc: Xrpc
  health: () => Promise<{ status: number; body: object }>
  /** What else the paths of methods begin with that are mounted on the server. */
  prefixes?: readonly string[]
  log: Log
}): { handles: (req: IncomingMessage) => boolean; request: Route } {
  const { xrpc, health, prefixes = [], log } = options
  const { server } = xrpc
  const ours = ['/xrpc/co.kendev.', ...prefixes]
  const direct = directRoute({ ...xrpc, toAnswer })
  return {
    handles: ({ url = '' }) => ours.some((prefix) => url.startsWith(prefix)) || isHealth(url),
    request: (req, res) => {
      const begun = performance.now()
      const reqId = requestId(req)
      const path = req.url?.split('?', 1)[0]
      res.setHeader('x-request-id', reqId)
      res.setHeader('access-control-allow-origin', '*')
      res.once('close', () => {
        const ms = Math.round(performance.now() - begun)
        log.info({ reqId, method: req.method, path, status: res.statusCode, ms }, 'request')
      })
      if (req.method === 'OPTIONS') return preflight(req, res)
      if ((req.url?.length ?? 0) > URL_MAX)
        return answer(res, 414, {
          error: 'InvalidRequest',
          message: `A url has at most ${URL_MAX} characters.`,
        })
      if (isHealth(req.url ?? '')) {
        void health().then(({ status, body }) => answer(res, status, body))
        return
      }
      const failed = (error: unknown) => log.error({ reqId, err: error }, 'a request failed')
      if (direct({ req, res }, failed)) return
      server.router(req as never, res as never, (error?: unknown) => {
        if (error) failed(error)
        if (res.headersSent) return
        const known = error === undefined
        answer(res, known ? 501 : 500, {
          error: known ? 'MethodNotImplemented' : 'InternalServerError',
          message: known
            ? `This node has no method ${path?.slice(6)}.`
            : 'Something went wrong here.',
        })
      })
    },
  }
}

function isHealth(url: string): boolean {
  return url === '/xrpc/_health' || url.startsWith('/xrpc/_health?')
}

/** The caller's own id when it is one we can log safely, otherwise a new one. */
function requestId(req: IncomingMessage): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}

function preflight(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(204, {
    'access-control-allow-methods': 'GET, HEAD, POST',
    'access-control-allow-headers': req.headers['access-control-request-headers'] ?? '*',
    'access-control-max-age': '86400',
  })
  res.end()
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}
