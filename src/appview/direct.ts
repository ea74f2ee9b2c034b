import type { IncomingMessage, ServerResponse } from 'node:http'
import { l } from '@atproto/lex'
import { InvalidRequestError, type Server, type XRPCError } from '@atproto/xrpc-server'
import type { Exchange } from './access.ts'

/** A query with its parameters read: answers JSON text, or throws what is wrong with the call. */
export type Respond = (params: Record<string, unknown>, exchange: Exchange) => Promise<string>

/** Queries by the path of their urls. */
export type DirectQueries = Map<string, { readonly schema: l.Query; readonly respond: Respond }>

/** The content type of every answer to a query. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers plain GETs of queries as the server's own routes do, limits and errors included, without
 *  walking through those routes. Returns false, having done nothing, for every other request: HEAD,
 *  one with a body, a path spelt otherwise. `failed` is told of failures that are ours. */
export function directRoute(options: {
  server: Server
  queries: DirectQueries
  toAnswer: (error: unknown) => XRPCError
}): (exchange: Exchange, failed: (error: unknown) => void) => boolean {
  const { server, queries, toAnswer } = options
  const limit = limitOf(server)
  return (exchange, failed) => {
    const { req, res } = exchange
    const { url = '', headers } = req
    if (req.method !== 'GET') return false
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
      return false
    const mark = url.indexOf('?')
    const query = queries.get(mark === -1 ? url : url.slice(0, mark))
    if (!query) return false
    const run = async () => {
      const params = readParams(query.schema, mark === -1 ? '' : url.slice(mark + 1))
      if (limit) await limit(exchange)
      return query.respond(params, exchange)
    }
    run().then(
      (body) => end(res, 200, body),
      (error: unknown) => {
        const { statusCode, payload } = toAnswer(error)
        if (statusCode >= 500) failed(error)
        end(res, statusCode, JSON.stringify(payload))
      },
    )
    return true
  }
}

/** Throws `InvalidRequest` in the words of the server's own routes. */
function readParams({ nsid, parameters }: l.Query, search: string): Record<string, unknown> {
  const given = new URLSearchParams(search)
  try {
    return parameters.fromURLSearchParams(given)
  } catch (cause) {
    if (!(cause instanceof l.LexValidationError)) throw cause
    const issues = cause.issues.map((issue) => issue.message).join(', ')
    throw new InvalidRequestError(`Invalid ${nsid} params: ${issues}`, undefined, { cause })
  }
}

/** The limits of the server's own routes, counted together with theirs. */
function limitOf({ globalRateLimiter, router }: Server) {
  if (!globalRateLimiter) return undefined
  return async ({ req, res }: Exchange) => {
    const seen = asRouted(req, router)
    await globalRateLimiter.handle({
      req: seen,
      res,
      auth: undefined,
      params: {},
      input: undefined,
      signal: NEVER,
      resetRouteRateLimits: async () => undefined,
    } as unknown as Parameters<typeof globalRateLimiter.handle>[0])
  }
}

const NEVER = new AbortController().signal

/** The request as the router would show it: with the address it came from, behind proxies too. */
function asRouted({ socket, headers }: IncomingMessage, router: Server['router']): IncomingMessage {
  const seen = Object.create(router.request) as IncomingMessage
  return Object.assign(seen, { socket, headers })
}

function end(res: ServerResponse, status: number, body: string): void {
  res.statusCode = status
  res.setHeader('content-type', JSON_TYPE)
  res.end(body)
}
