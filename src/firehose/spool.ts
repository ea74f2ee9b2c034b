import { randomUUID } from 'node:crypto'
import { readSync } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Where a spool keeps what does not fit: nothing is left there when the process ends. */
export type SpoolOptions = {
  folder: string
  /** bytes kept in memory before a file is made */
  memoryBytes: number
}

const WRITE_BYTES = 256 << 10

/** Bytes written one after another and then read anywhere: in memory while they are few, in a file
 *  without a name when they are many. Throws when the disk is full. */
export class Spool implements AsyncDisposable {
  readonly #options: SpoolOptions
  /** all of it, or what is not in the file yet */
  #buffer = Buffer.allocUnsafe(4096)
  #buffered = 0
  #filed = 0
  #file: FileHandle | undefined

  constructor(options: SpoolOptions) {
    this.#options = options
  }

  /** How many bytes were written. */
  get size(): number {
    return this.#filed + this.#buffered
  }

  /** Puts bytes at the end. */
  append(bytes: Uint8Array): void {
    this.#reserve(this.#buffered + bytes.length)
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
  }

  /** Whether so much is in memory that it is time to `flush`. */
  get isFull(): boolean {
    return this.#buffered > (this.#file ? WRITE_BYTES : this.#options.memoryBytes)
  }

  /** The bytes there, as many as are written. */
  read(offset: number, size: number): Buffer {
    if (offset >= this.#filed)
      return this.#buffer.subarray(offset - this.#filed, offset - this.#filed + size)
    const bytes = Buffer.allocUnsafe(size)
    const inFile = Math.min(size, this.#filed - offset)
    let read = 0
    while (read < inFile) {
      const got = readSync(this.#file!.fd, bytes, read, inFile - read, offset + read)
      if (got === 0) throw new Error('the spool is shorter than what was written to it')
      read += got
    }
    this.#buffer.copy(bytes, inFile, 0, size - inFile)
    return bytes
  }

  /** Writes what is in memory to the file. */
  async flush(): Promise<void> {
    this.#file ??= await openNameless(this.#options.folder)
    for (let at = 0; at < this.#buffered;) {
      const length = this.#buffered - at
      at += (await this.#file.write(this.#buffer, at, length, this.#filed + at)).bytesWritten
    }
    this.#filed += this.#buffered
    this.#buffered = 0
    if (this.#buffer.length > WRITE_BYTES) this.#buffer = Buffer.allocUnsafe(WRITE_BYTES)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(size, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#buffered)
    this.#buffer = larger
  }
}

/** A file that is gone when it is closed, also when the process is killed. */
async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `angelos-repo-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}
