import { decode, decodeFirst } from '@atcute/cbor'
import { WebSocket } from 'ws'

/** A frame of an event stream: what kind it is of (`#created`, or `error`), and what it says. */
export type ToldFrame = { readonly kind: string } & Readonly<Record<string, unknown>>

/** One connection to a stream, as it was answered; it is not made again. */
export type Listener = {
  readonly told: readonly ToldFrame[]
  /** Resolves when the server has hung up. */
  readonly closed: Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Connects to a space's live messages; resolves once the connection stands. */
export async function listen(
  origin: string,
  params: Readonly<Record<string, string | number>>,
): Promise<Listener> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) query.set(name, String(value))
  const nsid = 'co.kendev.spaces.subscribeMessages'
  const url = `${origin.replace('http', 'ws')}/xrpc/${nsid}?${query.toString()}`
  const socket = new WebSocket(url)
  const told: ToldFrame[] = []
  socket.on('message', (data: Buffer) => told.push(read(data)))
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  socket.on('close', () => close())
  const opened = Promise.withResolvers<void>()
  socket.on('open', () => opened.resolve())
  socket.on('error', (error) => opened.reject(error))
  await opened.promise
  return {
    told,
    closed,
    [Symbol.asyncDispose]: () => {
      socket.terminate()
      return closed
    },
  }
}

/** A frame is two CBOR values: a header that names the message, and the message. */
function read(data: Buffer): ToldFrame {
  const [header, rest] = decodeFirst(data) as [{ op: number; t?: string }, Uint8Array]
  const body = decode(rest) as Record<string, unknown>
  return { ...body, kind: header.op === 1 ? (header.t ?? '') : 'error' }
}
