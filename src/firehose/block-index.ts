/** Where blocks lie in a spool, found by the hash of each; about 30 bytes for a block. It does not
 *  keep the hashes, so that what is found is to be compared with what was asked for. */
export class BlockIndex {
  #count = 0
  #slots = new Int32Array(1 << 10)
  #offsets = new Float64Array(1 << 9)
  #sizes = new Uint32Array(1 << 9)
  #tags = new Uint32Array(1 << 9)

  /** How many blocks there are. */
  get count(): number {
    return this.#count
  }

  /** The bytes that this index itself takes. */
  get bytes(): number {
    const parts = [this.#slots, this.#offsets, this.#sizes, this.#tags]
    return parts.reduce((sum, part) => sum + part.byteLength, 0)
  }

  /** Notes a block of `size` bytes at `offset`. */
  add(digest: Buffer, offset: number, size: number): void {
    if (this.#count === this.#tags.length) this.#grow()
    if (this.#count * 4 >= this.#slots.length * 3) this.#spread()
    this.#offsets[this.#count] = offset
    this.#sizes[this.#count] = size
    this.#tags[this.#count] = digest.readUInt32LE(0)
    this.#count += 1
    this.#place(this.#count)
  }

  /** The blocks that may be the one asked for; nearly always one or none. */
  *find(digest: Buffer): Generator<{ offset: number; size: number }> {
    const tag = digest.readUInt32LE(0)
    const mask = this.#slots.length - 1
    for (let at = tag & mask; this.#slots[at] !== 0; at = (at + 1) & mask) {
      const entry = this.#slots[at]! - 1
      if (this.#tags[entry] !== tag) continue
      yield { offset: this.#offsets[entry]!, size: this.#sizes[entry]! }
    }
  }

  /** Hashes are spread evenly, so the tag is also where to look first. */
  #place(entry: number): void {
    const mask = this.#slots.length - 1
    let at = this.#tags[entry - 1]! & mask
    while (this.#slots[at] !== 0) at = (at + 1) & mask
    this.#slots[at] = entry
  }

  #spread(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (let entry = 1; entry <= this.#count; entry += 1) this.#place(entry)
  }

  #grow(): void {
    const room = Math.ceil(this.#count * 1.5)
    const [offsets, sizes, tags] = [this.#offsets, this.#sizes, this.#tags]
    this.#offsets = new Float64Array(room)
    this.#sizes = new Uint32Array(room)
    this.#tags = new Uint32Array(room)
    this.#offsets.set(offsets)
    this.#sizes.set(sizes)
    this.#tags.set(tags)
  }
}
