import { OutboundError } from './outbound-error.ts'

/** The whole body of a response; throws `TooLarge` and hangs up after `maxBytes` decoded bytes. */
export async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array> {
  const stream: ReadableStream<Uint8Array> | null = response.body
  if (stream === null) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let total = 0
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of stream) {
    total += chunk.length
    if (total > maxBytes) throw new OutboundError('TooLarge', `more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, total)
}

/** The body parsed as JSON, at most `maxBytes` long; throws `NotJson` for anything else. */
export async function readLimitedJson(response: Response, maxBytes: number): Promise<unknown> {
  const bytes = await readLimited(response, maxBytes)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new OutboundError('NotJson', 'the answer is not JSON', { cause })
  }
}
