import type { CallOutcome, WriteCall } from './plan-writes.ts'

/** A call and who waits for it. `alone` for one that needs a transaction of its own. */
export type Waiting = {
  call: WriteCall
  alone: boolean
  settle(outcome: CallOutcome): void
}

/** The calls of one repo that are carried out next, in their order. */
export type Turn = { space: string; did: string; waiting: Waiting[] }

type Lane = { space: string; did: string; waiting: Waiting[] }

const REPOS_MAX = 64
const CALLS_MAX = 32
const WRITES_MAX = 1_000
const BYTES_MAX = 4 * 1_048_576

/** Puts calls in line: those of one repo one after the other, those of several repos together. */
export class WriteLanes {
  readonly #lanes = new Map<string, Lane>()
  #ready: Lane[] = []

  /** Puts a call at the end of its repo's line. */
  add(space: string, did: string, waiting: Waiting): void {
    const key = `${space} ${did}`
    const lane = this.#lanes.get(key)
    if (lane) lane.waiting.push(waiting)
    else {
      const made = { space, did, waiting: [waiting] }
      this.#lanes.set(key, made)
      this.#ready.push(made)
    }
  }

  /** What to carry out next, of repos with nothing under way: several, or one that is to be alone.
   *  Empty when there is nothing. Each turn is to be given back. */
  take(): Turn[] {
    const turns: Turn[] = []
    const room = { writes: WRITES_MAX, bytes: BYTES_MAX }
    while (turns.length < REPOS_MAX && this.#ready.length > 0) {
      const lane = this.#ready[0]!
      const alone = lane.waiting[0]!.alone
      if (turns.length > 0 && (alone || !fits(lane.waiting[0]!, room))) break
      this.#ready.shift()
      turns.push({ ...lane, waiting: takeFrom(lane, room) })
      if (alone) break
    }
    return turns
  }

  /** Lets the repo of a turn have its next one. */
  giveBack({ space, did }: Turn): void {
    const key = `${space} ${did}`
    const lane = this.#lanes.get(key)
    if (!lane) return
    if (lane.waiting.length > 0) this.#ready.push(lane)
    else this.#lanes.delete(key)
  }
}

type Room = { writes: number; bytes: number }

function takeFrom(lane: Lane, room: Room): Waiting[] {
  let count = 0
  for (const waiting of lane.waiting) {
    if (count > 0 && (waiting.alone || count === CALLS_MAX || !fits(waiting, room))) break
    room.writes -= waiting.call.writes.length
    room.bytes -= bytesOf(waiting)
    count += 1
    if (waiting.alone) break
  }
  return lane.waiting.splice(0, count)
}

function fits(waiting: Waiting, room: Room): boolean {
  return waiting.call.writes.length <= room.writes && bytesOf(waiting) <= room.bytes
}

function bytesOf({ call }: Waiting): number {
  return call.writes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
}
