import { encodeRecord } from './encoding.ts'
import { type ReadEpoch, readEpoch } from './epoch.ts'
import { reviveBytes } from './json-bytes.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { TokenCrypto } from './token-crypto.ts'

/** Reads an epoch from a file: its record as JSON, bytes as `{"$bytes": …}`. */
export function readEpochJson(crypto: TokenCrypto, text: string): ReadEpoch | Refusal {
  try {
    const value = reviveBytes(JSON.parse(text))
    if (typeof value !== 'object' || value === null) return refuse('Malformed', 'no object')
    return readEpoch(crypto, encodeRecord(value))
  } catch (error) {
    return refuse('Malformed', error instanceof Error ? error.message : 'not JSON')
  }
}
