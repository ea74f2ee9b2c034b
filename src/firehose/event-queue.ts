import type { FirehoseEvent } from './event.ts'

/** Events of one repo that wait until it is fetched, within bounds. */
export class EventQueue {
  readonly #limits: { count: number; bytes: number }
  #events: FirehoseEvent[] = []
  #bytes = 0
  #overflown: FirehoseEvent | undefined

  constructor(limits: { count: number; bytes: number }) {
    this.#limits = limits
  }

  get count(): number {
    return this.#events.length
  }

  /** Takes an event, true for ever; beyond the bounds all are let go. */
  push(event: FirehoseEvent): true {
    if (this.#overflown) return true
    this.#events.push(event)
    this.#bytes += sizeOf(event)
    if (this.#events.length > this.#limits.count || this.#bytes > this.#limits.bytes) {
      this.#overflown = event
      this.#events = []
    }
    return true
  }

  /** All that wait, in their order, and begins anew. When there were too many, it is only told
   *  that they are lost, so that the repo is fetched again. */
  take(): FirehoseEvent[] {
    const { did, seq, time } = this.#overflown ?? { did: '', seq: 0, time: '' }
    const lost = { kind: 'lost', seq, did, reason: 'QueueFull', time } as const
    const taken = this.#overflown ? [lost] : this.#events
    this.#events = []
    this.#bytes = 0
    this.#overflown = undefined
    return taken
  }
}

function sizeOf(event: FirehoseEvent): number {
  if (event.kind !== 'commit') return 0
  return event.writes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
}
