const SMALLEST = 1 << 12

/**
 * Packed states in the order in which they were found, each with the place of the state it was
 * found from. A `Set` would take several times the memory, and ends at 16.7 million members.
 */
export class StateSet {
  size = 0
  #keys = new Float64Array(SMALLEST)
  #parents = new Int32Array(SMALLEST)
  /** open addressing: 0 for an empty slot, else one more than a place */
  #slots = new Int32Array(4 * SMALLEST)
  /** where the last look-up ended: the slot of the state, or the one it would take */
  #slot = 0

  /** Adds a state unless it is there, and says whether it was new. */
  add(key: number, parent: number): boolean {
    if (this.size === this.#keys.length) this.#grow()
    if (this.placeOf(key) >= 0) return false
    this.#keys[this.size] = key
    this.#parents[this.size] = parent
    this.#slots[this.#slot] = ++this.size
    return true
  }

  /** The place of a state, or -1. */
  placeOf(key: number): number {
    const mask = this.#slots.length - 1
    this.#slot = hashOf(key) & mask
    for (let found = 0; (found = this.#slots[this.#slot]!) !== 0;) {
      if (this.#keys[found - 1] === key) return found - 1
      this.#slot = (this.#slot + 1) & mask
    }
    return -1
  }

  /** The state at a place. */
  keyAt(place: number): number {
    return this.#keys[place]!
  }

  /** The states that led to the one at this place, the first of all first, itself last. */
  pathTo(place: number): readonly number[] {
    const path: number[] = []
    for (let at = place; at >= 0; at = this.#parents[at]!) path.unshift(this.#keys[at]!)
    return path
  }

  #grow(): void {
    const keys = new Float64Array(2 * this.#keys.length)
    keys.set(this.#keys)
    const parents = new Int32Array(keys.length)
    parents.set(this.#parents)
    this.#keys = keys
    this.#parents = parents
    this.#slots = new Int32Array(4 * keys.length)
    for (let place = 0; place < this.size; place++) {
      this.placeOf(keys[place]!)
      this.#slots[this.#slot] = place + 1
    }
  }
}

function hashOf(key: number): number {
  const high = Math.floor(key / 2 ** 32)
  let hash = Math.imul((key >>> 0) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
