/** Bytes of the longest varint that fits 32 bits. */
export const VARINT_MAX = 5

/** Takes as many bytes as asked for from pieces of any size. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)
  #at = 0
  #done = false

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#pieces = body[Symbol.asyncIterator]()
  }

  /** How many bytes are here already. */
  get left(): number {
    return this.#rest.length - this.#at
  }

  /** Whether there are so many more; then they are here. */
  async has(length: number): Promise<boolean> {
    if (this.left >= length) return true
    const parts = [this.#rest.subarray(this.#at)]
    for (let have = this.left; have < length && !this.#done;) {
      const next = await this.#pieces.next()
      if (next.done === true) this.#done = true
      else {
        const { buffer, byteOffset, byteLength } = next.value
        parts.push(Buffer.from(buffer, byteOffset, byteLength))
        have += byteLength
      }
    }
    this.#rest = Buffer.concat(parts)
    this.#at = 0
    return this.left >= length
  }

  /** So many bytes, which are here. */
  takeHere(length: number): Buffer {
    this.#at += length
    return this.#rest.subarray(this.#at - length, this.#at)
  }

  /** So many bytes; undefined when there are not as many. */
  async take(length: number): Promise<Buffer | undefined> {
    return (await this.has(length)) ? this.takeHere(length) : undefined
  }

  /** A length in LEB128; undefined for one that is none or does not fit 32 bits. */
  async varint(): Promise<number | undefined> {
    for (let length = 1; length < VARINT_MAX; length += 1) {
      if (!(await this.has(length))) return undefined
      if (this.#rest[this.#at + length - 1]! < 0x80) return this.varintHere()
    }
    return (await this.has(VARINT_MAX)) ? this.varintHere() : undefined
  }

  /** The same when all of it is here. */
  varintHere(): number | undefined {
    let value = 0
    for (let n = 0; n < VARINT_MAX; n += 1) {
      const byte = this.#rest[this.#at]!
      this.#at += 1
      value += (byte & 0x7f) * 2 ** (7 * n)
      if (byte < 0x80) return value
    }
    return undefined
  }

  /** Hangs up. */
  async end(): Promise<void> {
    if (!this.#done) await this.#pieces.return?.()
  }
}
