import { OutboundError } from './outbound-error.ts'

/** The body of a response in pieces, for one too long to be held at once. Reading more than
 *  `maxBytes` decoded bytes throws `TooLarge` and hangs up; a connection that breaks, or that takes
 *  longer than it may, throws `Unreachable`. */
export async function* limitedPieces(
  response: Response,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let total = 0
  try {
    // Leaving the loop early cancels the stream, and with it the connection.
    for await (const piece of response.body ?? []) {
      total += piece.length
      if (total > maxBytes) throw new OutboundError('TooLarge', `more than ${maxBytes} bytes`)
      yield piece
    }
  } catch (cause) {
    if (cause instanceof OutboundError) throw cause
    throw new OutboundError('Unreachable', 'the body was not sent to its end', { cause })
  }
}

/** The whole body, read as `limitedPieces` does. */
export async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(limitedPieces(response, maxBytes)))
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
