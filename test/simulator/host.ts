import type { Page } from '../../src/firehose/host-api.ts'
import type { ListedRepo } from '../../src/firehose/store.ts'
import { type Message, type RepoState, frameOf } from './repo.ts'
import type { World } from './time.ts'
import { type Connection, type Kept, PERFECT, type Stream, type WireFaults } from './wire.ts'

/** A repo as a host serves it. */
export type Served = { state: RepoState; status: string; past: RepoState[] }

/** How often, from 0 to 1, a request to a host goes wrong. */
export type ApiFaults = {
  fail: number
  slow: number
  /** the CAR ends in its middle */
  truncate: number
  /** an older state of the repo is given */
  stale: number
  /** the CAR lacks records */
  lacking: number
}

/** A host whose answers are all right. */
export const HONEST: ApiFaults = { fail: 0, slow: 0, truncate: 0, stale: 0, lacking: 0 }

const PAGE = 4

/** A PDS, or a relay that knows no repo itself. */
export class Host implements Stream {
  readonly origin: string
  readonly served = new Map<string, Served>()
  readonly open = new Set<Connection>()
  kept: Kept[] = []
  oldest = 0
  seq: number
  wire: WireFaults = PERFECT
  api: ApiFaults = HONEST
  down = false
  /** nothing has been wrong with its stream since then, or will be until then */
  calmSince = 0
  /** who is told of each message, such as a relay */
  onMessage: ((message: Message, about: About) => void) | undefined
  readonly #world: World

  constructor(origin: string, world: World, seq = 0) {
    this.origin = origin
    this.#world = world
    this.seq = seq
  }

  /** Gives out a message under the next number. */
  emit(message: Message, about: About = {}): void {
    this.seq += 1
    const frame = frameOf(this.seq, message)
    this.kept.push({ seq: this.seq, frame, at: this.#world.now, ...about })
    this.onMessage?.(message, about)
    for (const connection of this.open) connection.wake()
  }

  /** Gives out bytes that are no true message. */
  emitRaw(make: (seq: number) => Uint8Array): void {
    this.seq += 1
    this.kept.push({ seq: this.seq, frame: make(this.seq), at: this.#world.now })
    for (const connection of this.open) connection.wake()
  }

  cutAll(): void {
    for (const connection of this.open) connection.cut('cut by the host')
  }

  /** Forgets all but the newest frames, as a host's replay window does. */
  forget(keep: number): void {
    this.oldest = Math.max(this.oldest, this.kept.length - keep)
  }

  /** Counts anew from `seq`, as after a restore. */
  countFrom(seq: number): void {
    this.cutAll()
    this.kept = []
    this.oldest = 0
    this.seq = seq
  }

  list(cursor: string | undefined): Page<ListedRepo> {
    const from = Number(cursor ?? 0)
    const all = [...this.served]
    const items = all.slice(from, from + PAGE).map(([did, { state, status }]) => {
      const active = status === 'active'
      return { did, rev: state.rev, active, ...(!active && { status }) }
    })
    return from + PAGE < all.length ? { items, cursor: String(from + PAGE) } : { items }
  }
}

/** Whom a message is about, and which revision is known to whoever has taken it in; `proof` when it
 *  is signed and untampered. */
export type About = { did?: string; rev?: string; proof?: boolean; status?: string }
