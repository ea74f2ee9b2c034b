import { once } from 'node:events'
import { decodeFirst } from '@atcute/cbor'
import WebSocket from 'ws'

/** A subscription under test: the bodies of its frames, kept as they come. */
export type Subscription = {
  opened: Promise<unknown>
  find(matches: (body: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  close(): void
}

/** Opens an event stream (atproto event-stream framing) and waits for frames that match. */
export function subscribe(url: string): Subscription {
  const socket = new WebSocket(url.replace(/^http/, 'ws'))
  const bodies: Record<string, unknown>[] = []
  socket.on('message', (data: Buffer) => {
    const [, rest] = decodeFirst(data)
    bodies.push(decodeFirst(rest)[0] as Record<string, unknown>)
    socket.emit('frame')
  })
  const find: Subscription['find'] = async (matches) => {
    for (;;) {
      const body = bodies.find(matches)
      if (body) return body
      await once(socket, 'frame', { signal: AbortSignal.timeout(10_000) })
    }
  }
  return { opened: once(socket, 'open'), find, close: () => socket.terminate() }
}
