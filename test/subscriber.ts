import { decode, decodeFirst } from '@atcute/cbor'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

export type Told = { readonly kind: string; readonly seq: number } & Record<string, unknown>

/** Somebody who listens to a space's messages and, cut off, goes on after the last they got. */
export type Subscriber = {
  readonly told: readonly Told[]
  /** Resolves when `done` holds for what was told; throws after ten seconds. */
  until(done: (told: readonly Told[]) => boolean, what: string): Promise<void>
  close(): Promise<void>
}

/** Listens from the beginning of the space. */
export function subscribe(origin: string, space: string): Subscriber {
  const told: Told[] = []
  let closed = false
  let socket: WebSocket | undefined
  const run = async () => {
    while (!closed) {
      // Errors and notes have no number.
      const cursor = told.findLast(({ seq }) => seq > 0)?.seq ?? 0
      const query = new URLSearchParams({ space, cursor: String(cursor) })
      const nsid = 'co.kendev.spaces.subscribeMessages'
      socket = new WebSocket(`${origin.replace('http', 'ws')}/xrpc/${nsid}?${String(query)}`)
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      socket.on('message', (data: Buffer) => told.push(read(data)))
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
      await ended
      if (!closed) await sleep(50)
    }
  }
  const running = run()
  return {
    told,
    until: async (done, what) => {
      for (let tries = 0; tries < 400; tries++) {
        if (done(told)) return
        await sleep(25)
      }
      throw new Error(`the subscriber waited in vain for ${what}: ${JSON.stringify(told)}`)
    },
    close: async () => {
      closed = true
      socket?.terminate()
      await running
    },
  }
}

/** A frame is two CBOR values: a header that names the message, and the message. */
function read(data: Buffer): Told {
  const [header, rest] = decodeFirst(data) as [{ op: number; t?: string }, Uint8Array]
  const body = decode(rest) as Record<string, unknown>
  return {
    ...body,
    kind: header.op === 1 ? (header.t ?? '') : 'error',
    seq: Number(body['seq'] ?? 0),
  }
}
