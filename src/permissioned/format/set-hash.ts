import { hash, timingSafeEqual } from 'node:crypto'
import { blake3 } from '@noble/hashes/blake3'

const LANES = 1_024
/** Bytes of a state: 1024 lanes of 16 bits, each written little-endian on every machine. */
const STATE_BYTES = LANES * 2

/**
 * What a permissioned repo holds, as an LtHash (proposal 0016, "Set hash"): equal for equal sets in
 * whatever order they came to be. It counts elements: what was added twice is to be removed twice,
 * and removing what is not there leaves a hash of no set, so the caller knows what is held.
 */
export class SetHash {
  readonly #lanes = new Uint16Array(LANES)

  /** Goes on from a `state()`, or from the empty set. Throws `RangeError` for another length. */
  constructor(state?: Uint8Array) {
    if (state === undefined) return
    if (state.length !== STATE_BYTES) throw new RangeError(`a state has ${STATE_BYTES} bytes`)
    for (let n = 0; n < LANES; n += 1) this.#lanes[n] = laneOf(state, n)
  }

  /** Takes in a record: `path` is `collection/rkey`, `cid` the text of its CID. */
  add(path: string, cid: string): void {
    this.addElement(`${path}/${cid}`)
  }

  /** Takes out a record that was taken in with the same path and CID. */
  remove(path: string, cid: string): void {
    const element = expand(`${path}/${cid}`)
    for (let n = 0; n < LANES; n += 1) this.#lanes[n]! -= laneOf(element, n)
  }

  /** Takes in any text, as the published vectors do. */
  addElement(text: string): void {
    const element = expand(text)
    for (let n = 0; n < LANES; n += 1) this.#lanes[n]! += laneOf(element, n)
  }

  /** The hash a commit states: SHA-256 of the state, 32 bytes. */
  digest(): Uint8Array {
    return hash('sha256', this.state(), 'buffer')
  }

  /** A copy of the 2048 bytes to keep and to go on from. */
  state(): Uint8Array {
    const state = new Uint8Array(STATE_BYTES)
    for (let n = 0; n < LANES; n += 1) {
      state[n * 2] = this.#lanes[n]! & 0xff
      state[n * 2 + 1] = this.#lanes[n]! >> 8
    }
    return state
  }
}

/** Whether two hashes are the same bytes, in a time that does not tell where they differ. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function expand(element: string): Uint8Array {
  return blake3(Buffer.from(element, 'utf8'), { dkLen: STATE_BYTES })
}

function laneOf(bytes: Uint8Array, lane: number): number {
  return bytes[lane * 2]! | (bytes[lane * 2 + 1]! << 8)
}
