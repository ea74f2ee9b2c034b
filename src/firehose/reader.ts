import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Backoff, backOff } from '../pacing/backoff.ts'
import type { Connect, Socket } from './socket.ts'

/** Keeps one host connected. */
export type Reader = {
  /** Connects again and again until `signal` aborts. */
  run(): Promise<void>
  /** Stops or goes on reading, also over a change of connection. */
  setPaused(paused: boolean): void
  readonly connected: boolean
}

export type ReaderOptions = {
  connect: Connect
  /** address of the next connection, with the cursor reached by then */
  url: () => URL
  /** what has to be done before the next connection */
  ready: () => Promise<void>
  publicOnly: boolean
  pingMs: number
  retry: Backoff
  timers: Timers
  signal: AbortSignal
  log: Log
  onConnected?: () => void
  onMessage: (bytes: Uint8Array) => void
}

/** Makes a reader; it waits longer between connections as long as they bring nothing new. */
export function createReader(options: ReaderOptions): Reader {
  const { signal, log } = options
  let socket: Socket | undefined
  let connected = false
  let paused = false

  async function connectOnce(): Promise<void> {
    const closed = Promise.withResolvers<string>()
    const opened = options.connect({
      url: options.url(),
      publicOnly: options.publicOnly,
      pingMs: options.pingMs,
      onOpen() {
        connected = true
        if (paused) opened.pause()
        options.onConnected?.()
      },
      onMessage: options.onMessage,
      onClose: closed.resolve,
    })
    socket = opened
    signal.addEventListener('abort', opened.close)
    const reason = await closed.promise
    signal.removeEventListener('abort', opened.close)
    socket = undefined
    connected = false
    log.info({ url: options.url().origin, reason }, 'disconnected')
  }

  return {
    async run() {
      for (let attempt = 0; !signal.aborted; attempt += 1) {
        await options.ready()
        if (signal.aborted) return
        const before = options.url().href
        await connectOnce()
        if (options.url().href !== before) attempt = 0
        await backOff(options.retry, attempt, options)
      }
    },
    setPaused(next) {
      paused = next
      if (!connected) return
      if (paused) socket?.pause()
      else socket?.resume()
    },
    get connected() {
      return connected
    },
  }
}
