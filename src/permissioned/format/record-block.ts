import { type JsonValue, jsonToLex } from '@atproto/lex'
import { encode } from '@atproto/lex-cbor'
import { scanCbor } from '../../bytes/cbor-scan.ts'
import { cidOfBlock, cidText } from './cid-bytes.ts'

const LIMITS = { depth: 32, items: 100_000 }
const MAP = 5
const BYTES_MAX = 1_000_000

/** The block of a record that came as JSON; undefined unless it is the one that `cid` names and
 *  what a CAR may hold. A value in JSON can be written in ways that do not give its bytes back. */
export function blockOfJson(value: unknown, cid: string): Uint8Array | undefined {
  try {
    const bytes = encode(jsonToLex(value as JsonValue))
    if (bytes.length > BYTES_MAX || cidText(cidOfBlock(bytes)) !== cid) return undefined
    const isMap = bytes[0]! >> 5 === MAP
    return isMap && !('fault' in scanCbor(bytes, LIMITS)) ? bytes : undefined
  } catch {
    return undefined
  }
}
