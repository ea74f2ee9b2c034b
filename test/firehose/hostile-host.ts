import { type RequestListener, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { encode } from '@atcute/cbor'
import { type WebSocket, WebSocketServer } from 'ws'

/** A host that plays what a test gives it, true or not, to whoever connects. */
export type HostileHost = {
  /** ws origin */
  origin: string
  /** Keeps a frame under a sequence number and sends it to all that are connected. */
  play(seq: number, frame: Uint8Array): void
  /** Sends bytes or text that are not kept. */
  send(data: Uint8Array | string): void
  /** Sends an error frame and hangs up. */
  fail(error: string): void
  /** Hangs up on everybody. */
  drop(): void
  /** What each connection so far has asked for. */
  cursors: (number | undefined)[]
  /** Called with each new connection before the backlog is sent; true stops that. */
  onConnect: ((cursor: number | undefined) => boolean) | undefined
  connected(): number
  /** connections so far, also those that were no WebSocket */
  sockets(): number
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a host on a free port; after a cursor it sends what it has kept, without one nothing.
 *  Requests that are no WebSocket are `answer`'s. */
export async function startHostileHost(
  options: { autoPong?: boolean; answer?: RequestListener } = {},
): Promise<HostileHost> {
  const { autoPong = true, answer } = options
  const http = createServer(answer)
  const server = new WebSocketServer({ server: http, autoPong })
  let sockets = 0
  http.on('connection', () => {
    sockets += 1
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  const kept: { seq: number; frame: Uint8Array }[] = []
  const all = (act: (client: WebSocket) => void): void => server.clients.forEach(act)

  const host: HostileHost = {
    origin: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    play(seq, frame) {
      kept.push({ seq, frame })
      host.send(frame)
    },
    send: (data) => all((client) => client.send(data)),
    fail(error) {
      const frame = Buffer.concat([encode({ op: -1 }), encode({ error, message: 'no' })])
      all((client) => {
        client.send(frame)
        client.close(1008)
      })
    },
    drop: () => all((client) => client.terminate()),
    cursors: [],
    onConnect: undefined,
    connected: () => server.clients.size,
    sockets: () => sockets,
    async [Symbol.asyncDispose]() {
      host.drop()
      server.close()
      http.closeAllConnections()
      await new Promise((resolve) => {
        http.close(resolve)
      })
    },
  }
  server.on('connection', (client, request) => {
    const asked = new URL(request.url ?? '/', 'ws://host').searchParams.get('cursor')
    const cursor = asked === null ? undefined : Number(asked)
    host.cursors.push(cursor)
    if (host.onConnect?.(cursor) || cursor === undefined) return
    for (const { seq, frame } of kept) if (seq > cursor) client.send(frame)
  })
  return host
}
