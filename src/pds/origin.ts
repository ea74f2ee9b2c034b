import type http from 'node:http'
import { type Duplex } from 'node:stream'
import { extractUrlNsid } from '@atproto/xrpc-server'
import { type Log } from '../log.ts'
import { announceSpaces } from './announce-spaces.ts'
import { type NodeDidDocument } from './identity.ts'
import { createFlagFilter } from './validate-flag.ts'

type RequestListener = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** What the node itself answers, in front of the PDS. */
export type OriginRoutes = {
  /** Whether the path is the node's. Called for every request: must be fast and never throw. */
  handles: (request: http.IncomingMessage) => boolean
  request: RequestListener
  /** WebSocket subscriptions by NSID; each takes over the socket. */
  upgrades: ReadonlyMap<string, Upgrade>
}

/** Routes asked in turn: the first whose path it is answers. */
export function routesInTurn(
  ...all: readonly Omit<OriginRoutes, 'upgrades'>[]
): Omit<OriginRoutes, 'upgrades'> {
  return {
    handles: (request) => all.some((routes) => routes.handles(request)),
    request: (request, response) =>
      all.find((routes) => routes.handles(request))?.request(request, response),
  }
}

export type Upgrade = (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void

const DID_DOCUMENT_PATH = '/.well-known/did.json'

type Origin = {
  server: http.Server
  pdsApp: RequestListener
  routes: OriginRoutes
  serviceDid: string
  didDocument: () => NodeDidDocument
  log: Log
  /** Sees every request before it is answered by anybody; must be fast and never throw. */
  watch?: RequestListener
}

/**
 * Puts the node in front of the PDS on one server: its paths and subscriptions first, then the
 * PDS's. A request whose `atproto-proxy` names another service than this node is never answered
 * here but left to the PDS, which forwards it; this node's own DID, with any fragment, is served
 * in place. Also serves the node's did:web document, read anew for every request.
 */
export function mountOrigin(origin: Origin): void {
  const { server, pdsApp } = origin
  // The package's terminator listens to 'request' too, so only its app is taken off.
  server.off('request', pdsApp)
  server.on('request', requestListener(origin))
  const inherited = server.listeners('upgrade') as Upgrade[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    const nsid = extractUrlNsid(request.url ?? '')
    const upgrade =
      nsid !== undefined && !isForAnother(request, origin.serviceDid)
        ? origin.routes.upgrades.get(nsid)
        : undefined
    if (!upgrade) {
      for (const listener of inherited) listener.call(server, request, socket, head)
      return
    }
    try {
      upgrade(request, socket, head)
    } catch (error) {
      origin.log.error({ err: error, nsid }, 'a subscription failed to open')
      socket.destroy()
    }
  })
}

function requestListener(origin: Origin): RequestListener {
  const { pdsApp, routes, serviceDid, watch } = origin
  const filterFlag = createFlagFilter()
  return (request, response) => {
    watch?.(request, response)
    try {
      if (isForAnother(request, serviceDid)) return pdsApp(request, response)
      if (request.url === DID_DOCUMENT_PATH) {
        return serveDocument(request, response, origin.didDocument())
      }
      if (routes.handles(request)) return routes.request(request, response)
      // Named ourselves and nothing here answers: the PDS must not call this node back for it.
      delete request.headers['atproto-proxy']
      filterFlag(request)
      announceSpaces(request, response)
      pdsApp(request, response)
    } catch (error) {
      origin.log.error({ err: error, path: request.url?.split('?')[0] }, 'a request failed')
      fail(response)
    }
  }
}

/** Whether the client asked for the request to be forwarded to a service that is not this node. */
function isForAnother(request: http.IncomingMessage, serviceDid: string): boolean {
  const target = request.headers['atproto-proxy']
  if (typeof target !== 'string' || target === '') return false
  const hash = target.indexOf('#')
  return (hash === -1 ? target : target.slice(0, hash)) !== serviceDid
}

function serveDocument(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  document: NodeDidDocument,
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  response.writeHead(200, {
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
    'cache-control': 'public, max-age=60',
  })
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify(document))
}

/** A bug in a handler costs its request an answer of 500, not the process. */
function fail(response: http.ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(500, { 'content-type': 'application/json' })
  response.end('{"error":"InternalServerError","message":"Internal Server Error"}')
}
