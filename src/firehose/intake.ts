import { type Frame, decodeFrame } from './frame.ts'
import { createLatch } from '../pacing/latch.ts'
import { type Message } from './message.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type Window } from './window.ts'

/** A frame in the order of the host, with the sequence number reached by it. */
export type Arrival = {
  seq: number
  /** how often the host had begun to count anew */
  era: number
  frame: Uint8Array
  content:
    | { kind: 'message'; message: Message }
    | { kind: 'refused'; did: string; refusal: Refusal }
    | { kind: 'skipped' }
}

/** The frames that have been read and not yet judged. */
export type Intake = {
  accept(frame: Uint8Array): void
  /** The next frame; undefined when `signal` has aborted. */
  next(): Promise<Arrival | undefined>
  /** Forgets the sequence number, when the host has begun to count anew. */
  reset(): void
  /** the highest sequence number read, or the stored cursor before any */
  readonly seq: number | undefined
  readonly era: number
}

export type IntakeOptions = {
  window: Window
  signal: AbortSignal
  /** the stored cursor */
  seq: number | undefined
  /** `#info` and error frames, which have no place in the order */
  onNote(note: Extract<Frame, { kind: 'info' | 'error' }>): void
}

/** Makes the queue between a socket and the judge; the window counts what it holds. */
export function createIntake(options: IntakeOptions): Intake {
  const { window, signal } = options
  const arrived = createLatch()
  let queue: Arrival[] = []
  let head = 0
  let seq = options.seq
  let era = 0
  signal.addEventListener('abort', arrived.open)

  /** A number that goes back would move the cursor back and replay events. */
  function order(
    frame: Exclude<Frame, { kind: 'info' | 'error' }>,
  ): Arrival['content'] | undefined {
    const own = frame.kind === 'message' ? frame.message.seq : frame.seq
    const old = own !== undefined && seq !== undefined && own <= seq
    if (own !== undefined && !old) seq = own
    if (frame.kind === 'unknown') return old || own === undefined ? undefined : { kind: 'skipped' }
    if (frame.kind === 'refused') return frame
    if (!old) return frame
    const refusal = refuse('OldSeq', `${own} after ${seq}`)
    return { kind: 'refused', did: frame.message.did, refusal }
  }

  return {
    accept(bytes) {
      const frame = decodeFrame(bytes)
      if (frame.kind === 'info' || frame.kind === 'error') return options.onNote(frame)
      const content = order(frame)
      if (content === undefined) return
      queue.push({ seq: seq ?? 0, era, frame: bytes, content })
      window.take(bytes.length)
      arrived.open()
    },
    async next() {
      while (head >= queue.length && !signal.aborted) await arrived.wait()
      const arrival = signal.aborted ? undefined : queue[head]
      head += 1
      // Taking from the front of an array moves the rest, so that is done once for many.
      if (head >= 256 || head >= queue.length) {
        queue = queue.slice(head)
        head = 0
      }
      return arrival
    },
    reset() {
      seq = undefined
      era += 1
    },
    get seq() {
      return seq
    },
    get era() {
      return era
    },
  }
}
