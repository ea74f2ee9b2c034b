import { unicastLookup } from '@atproto-labs/fetch-node'
import { type ClientOptions, WebSocket } from 'ws'
import { publicUrlFault } from '../outbound/fetch.ts'

/** One connection to a host's event stream. */
export type Socket = { pause: () => void; resume: () => void; close: () => void }

export type SocketOptions = {
  url: URL
  /** connect to public addresses only, for hosts that others named */
  publicOnly: boolean
  pingMs: number
  onOpen(): void
  onMessage(bytes: Uint8Array): void
  /** called once, after which nothing else is */
  onClose(reason: string): void
}

/** Opens a connection; the port through which simulations bring their own transport. */
export type Connect = (options: SocketOptions) => Socket

/** Above a frame's limit, so that one too large is refused by name and not fetched for ever. */
const MAX_PAYLOAD = 16_000_000
const HANDSHAKE_MS = 10_000

/**
 * Opens a WebSocket without compression (a bomb would pass the byte limit). A host that answers no
 * ping within the next interval is left; while paused nothing is read, so nothing is expected.
 */
export function openSocket(options: SocketOptions): Socket {
  const fault = options.publicOnly ? publicUrlFault(options.url, 'wss:') : undefined
  if (fault !== undefined) return closedSocket(fault, options)
  const settings: ClientOptions = {
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    handshakeTimeout: HANDSHAKE_MS,
    ...(options.publicOnly ? { lookup: unicastLookup } : {}),
  }
  const socket = new WebSocket(options.url, settings)
  let alive = true
  let closed = false

  const pinger = setInterval(() => {
    if (socket.isPaused || socket.readyState !== WebSocket.OPEN) return
    if (!alive) return finish('no answer to a ping')
    alive = false
    socket.ping()
  }, options.pingMs)

  function finish(reason: string): void {
    if (closed) return
    closed = true
    clearInterval(pinger)
    socket.terminate()
    options.onClose(reason)
  }

  socket.on('open', () => {
    if (!closed) options.onOpen()
  })
  socket.on('pong', () => {
    alive = true
  })
  socket.on('message', (data) => {
    alive = true
    if (!closed && Buffer.isBuffer(data)) options.onMessage(data)
  })
  socket.on('error', (error) => finish(error.message))
  socket.on('close', (code) => finish(`closed by the host with ${code}`))

  return {
    pause: () => socket.pause(),
    resume() {
      alive = true
      socket.resume()
    },
    close: () => finish('closed by us'),
  }
}

function closedSocket(reason: string, options: SocketOptions): Socket {
  const nothing = (): void => undefined
  queueMicrotask(() => options.onClose(reason))
  return { pause: nothing, resume: nothing, close: nothing }
}
