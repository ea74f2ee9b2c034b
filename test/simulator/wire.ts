import { encode } from '@atcute/cbor'
import type { Socket, SocketOptions } from '../../src/firehose/socket.ts'
import { between } from '../fast/random.ts'
import type { Life, World } from './time.ts'

/** A frame that a host keeps, and what it truly says. */
export type Kept = {
  seq: number
  frame: Uint8Array
  at: number
  did?: string
  rev?: string
  proof?: boolean
  status?: string
}

/** How often, from 0 to 1, something happens to a frame on its way. */
export type WireFaults = {
  drop: number
  duplicate: number
  swap: number
  replay: number
  garbage: number
  cut: number
}

/** A wire on which nothing happens. */
export const PERFECT: WireFaults = {
  drop: 0,
  duplicate: 0,
  swap: 0,
  replay: 0,
  garbage: 0,
  cut: 0,
}

/** The side of the host: what it keeps, from which number on, and how the wire is just now. */
export type Stream = {
  readonly kept: readonly Kept[]
  /** index of the oldest that is still given to a new connection */
  readonly oldest: number
  readonly seq: number
  wire: WireFaults
  /** no connection is taken, and those there are break */
  down: boolean
  readonly open: Set<Connection>
}

/** A connection as its host sees it. */
export type Connection = { wake(): void; cut(reason: string): void }

/** What is told about frames, for the oracle. */
export type Witness = {
  /** the consumer cannot know that it has missed a frame */
  lost(kept: Kept): void
  /** a true frame has reached the consumer, in its place */
  arrived(kept: Kept): void
}

type Parts = { world: World; random: () => number; witness: Witness }

/** Connects one life of a consumer to a host's stream, as `openSocket` would. */
export function connectTo(
  stream: Stream,
  options: SocketOptions,
  { world, random, witness, life }: Parts & { life: Life },
): Socket {
  let at = 0
  let paused = false
  let pumping = false
  let state: 'opening' | 'open' | 'closed' = 'opening'
  const connection: Connection = { wake: pump, cut: close }

  function close(reason: string): void {
    if (state === 'closed') return
    state = 'closed'
    stream.open.delete(connection)
    world.afterIn(life, 1, () => options.onClose(reason))
  }

  function open(): void {
    if (state !== 'opening') return
    if (stream.down) return close('refused')
    state = 'open'
    stream.open.add(connection)
    options.onOpen()
    at = begin(stream, options, close)
    pump()
  }

  /** One frame after the other; each takes its time, and none overtakes another by itself. */
  function pump(): void {
    if (pumping || paused || state !== 'open' || at >= stream.kept.length) return
    pumping = true
    world.afterIn(life, between(random, 1, 30), () => {
      pumping = false
      if (state !== 'open' || paused) return
      deliver()
      pump()
    })
  }

  function deliver(): void {
    const kept = stream.kept[at]
    if (kept === undefined) return
    const { wire } = stream
    if (random() < wire.cut) return close('cut')
    at += 1
    if (random() < wire.garbage) options.onMessage(garbage(random, kept.seq - 1))
    if (random() < wire.replay) send(stream.kept[between(random, 0, at - 1)])
    if (random() < wire.drop) return witness.lost(kept)
    const next = stream.kept[at]
    if (next !== undefined && random() < wire.swap) {
      at += 1
      witness.lost(kept)
      send(next)
      return send(kept)
    }
    send(kept)
    witness.arrived(kept)
    if (random() < wire.duplicate) send(kept)
  }

  function send(kept: Kept | undefined): void {
    if (kept !== undefined && state === 'open' && life.alive) options.onMessage(kept.frame)
  }

  world.afterIn(life, between(random, 5, 80), open)
  return {
    pause: () => void (paused = true),
    resume() {
      paused = false
      pump()
    },
    close: () => close('closed by us'),
  }
}

/** Where in what is kept a connection begins, after notes that the cursor calls for. */
function begin(stream: Stream, options: SocketOptions, close: (why: string) => void): number {
  const asked = options.url.searchParams.get('cursor')
  if (asked === null) return stream.kept.length
  const cursor = Number(asked)
  if (cursor > stream.seq) {
    options.onMessage(noteFrame({ op: -1 }, { error: 'FutureCursor', message: 'not yet' }))
    close('a cursor in the future')
    return stream.kept.length
  }
  const dropped = stream.kept[stream.oldest - 1]
  if (dropped !== undefined && cursor < dropped.seq) {
    options.onMessage(noteFrame({ op: 1, t: '#info' }, { name: 'OutdatedCursor' }))
  }
  const index = stream.kept.findIndex(({ seq }, n) => n >= stream.oldest && seq > cursor)
  return index === -1 ? stream.kept.length : index
}

function noteFrame(header: object, payload: object): Uint8Array {
  return Buffer.concat([encode(header), encode(payload)])
}

/** Bytes that are no frame, or half of one, or one about nobody. */
function garbage(random: () => number, seq: number): Uint8Array {
  const noise = Uint8Array.from({ length: between(random, 0, 60) }, () => between(random, 0, 255))
  const kind = between(random, 0, 3)
  if (kind === 0) return noise
  if (kind === 1) return noteFrame({ op: 1, t: '#commit' }, { seq, repo: 'nobody' })
  if (kind === 2) return noteFrame({ op: 1, t: '#news' }, { what: 'ever' })
  return Buffer.concat([encode({ op: 1, t: '#commit' }), Buffer.alloc(200, 0x81)])
}
