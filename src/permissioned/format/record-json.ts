import { lexToJson as withoutClasses } from '@atproto/api'
import { type JsonValue, type LexMap, jsonToLex, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import { InvalidRequestError } from '@atproto/xrpc-server'

/** A record of a request as the store takes it. The XRPC server has made classes of its own of
 *  blobs and links, which do not encode as the data model has them. */
export function recordOf(value: unknown): LexMap {
  const json = withoutClasses(value as never) as unknown
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    throw new InvalidRequestError('A record is an object.')
  try {
    return jsonToLex(json as JsonValue) as LexMap
  } catch (cause) {
    throw new InvalidRequestError('This is not a record.', undefined, { cause })
  }
}

/** A stored record as an answer shows it. */
export function recordJson(bytes: Uint8Array): unknown {
  return lexToJson(decode(bytes))
}
