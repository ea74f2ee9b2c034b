import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import type { Socket } from 'node:net'
import pg from 'pg'

/** What `pg` tells a query of its own making, as far as COPY needs it. */
type Connection = {
  readonly stream: Socket
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** `COPY … TO STDOUT` and `COPY … FROM STDIN` over the connection of `pg` itself, with the file as
 *  the other end, as psql's \copy does. */
class Copy {
  readonly done: Promise<void>
  readonly #text: string
  readonly #file: string
  readonly #out: ReturnType<typeof createWriteStream> | undefined
  readonly #settle: { resolve: () => void; reject: (error: Error) => void }

  constructor(text: string, file: string) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.#settle = { resolve, reject }
    this.#text = text
    this.#file = file
    this.#out = / to stdout$/i.test(text) ? createWriteStream(file) : undefined
  }

  submit(connection: Connection): void {
    connection.query(this.#text)
  }

  handleCopyInResponse(connection: Connection): void {
    const send = async () => {
      for await (const chunk of createReadStream(this.#file, { highWaterMark: 65_536 })) {
        connection.sendCopyFromChunk(chunk as Buffer)
        if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain')
      }
      connection.endCopyFrom()
    }
    send().catch(this.#settle.reject)
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    // What is handed over is a part of a buffer that is used again.
    this.#out?.write(Buffer.from(chunk))
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#settle.reject(error)
  }

  handleReadyForQuery(): void {
    if (this.#out) this.#out.end(this.#settle.resolve)
    else this.#settle.resolve()
  }
}

/** Copies between a table and a file; throws what Postgres says. */
export async function copy(url: string, text: string, file: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(new Copy(text, file) as unknown as pg.Submittable & Copy).done
  } finally {
    await client.end()
  }
}
