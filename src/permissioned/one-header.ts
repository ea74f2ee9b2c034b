import type { IncomingMessage } from 'node:http'

/** A header that a request has exactly once; undefined for none, and for one that is repeated:
 *  Node would take the first, another reader the last. */
export function oneHeader(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name]
  return values?.length === 1 ? values[0] : undefined
}
