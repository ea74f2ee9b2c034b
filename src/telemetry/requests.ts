import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Events } from '../events.ts'

const XRPC = '/xrpc/'

/** The names of the methods mounted on an XRPC server's router. */
export function methodNames(server: {
  routes: { stack: readonly { route?: { path: string } | undefined }[] }
}): string[] {
  return server.routes.stack.flatMap(({ route }) =>
    route?.path.startsWith(XRPC) ? route.path.slice(XRPC.length) : [],
  )
}

/**
 * Counts XRPC requests by method and status when their answers have ended, whoever answers. Only
 * names in `served` are labels: callers may invent others without end.
 */
export function requestWatch(options: {
  events: Events
  served: ReadonlySet<string>
}): (request: IncomingMessage, response: ServerResponse) => void {
  const { events, served } = options
  return ({ url }, response) => {
    if (!url?.startsWith(XRPC)) return
    const end = url.indexOf('?')
    const name = url.slice(XRPC.length, end === -1 ? undefined : end)
    const nsid = served.has(name) ? name : 'other'
    const done = events.time('xrpc.duration', { nsid })
    // The PDS adds as many as are allowed before Node warns; this one is ours.
    response.setMaxListeners(response.getMaxListeners() + 1)
    response.once('close', () => {
      done()
      events.count('xrpc.requests', { nsid, status: String(response.statusCode) })
    })
  }
}
