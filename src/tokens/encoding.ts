import { BytesWrapper, decode, encode } from '@atcute/cbor'
import { CODEC_DCBOR, fromDigest, fromString, toString } from '@atcute/cid'
import { type Refusal, refuse } from './refusal.ts'
import type { TokenCrypto } from './token-crypto.ts'

/** The largest record of the ledger, bytes. */
export const RECORD_BYTES_MAX = 65_536

/** The canonical bytes of a record: DRISL-CBOR (https://dasl.ing/drisl.html). */
export function encodeRecord(record: object): Uint8Array {
  return encode(record)
}

/** Reads a record that is in its one canonical form: bytes that would be written otherwise (other
 *  order of keys, longer integers, a key twice, bytes behind the end) are refused. */
export function decodeRecord(
  bytes: Uint8Array,
  max = RECORD_BYTES_MAX,
): { readonly ok: true; readonly value: unknown } | Refusal {
  if (bytes.length > max) return refuse('TooLarge', `${bytes.length} bytes, at most ${max}`)
  let value: unknown
  try {
    value = decode(bytes)
    const again = encode(value)
    if (!sameBytes(bytes, again)) return refuse('NotCanonical', 'encodes to other bytes')
  } catch (error) {
    return refuse('Malformed', error instanceof Error ? error.message : 'not CBOR')
  }
  return { ok: true, value }
}

/** The CID of canonical bytes, as text: CIDv1, dag-cbor, SHA-256, base32. */
export function cidOfBytes(crypto: TokenCrypto, bytes: Uint8Array): string {
  return toString(fromDigest(CODEC_DCBOR, crypto.sha256(bytes)))
}

/** The CID of a record in its canonical form. */
export function cidOf(crypto: TokenCrypto, record: object): string {
  return cidOfBytes(crypto, encode(record))
}

/** The 36 bytes of the CID of a record, which are what is signed. */
export function cidBytesOf(crypto: TokenCrypto, record: object): Uint8Array {
  return cidBytesOfBytes(crypto, encode(record))
}

/** The 36 bytes of the CID of canonical bytes. */
export function cidBytesOfBytes(crypto: TokenCrypto, bytes: Uint8Array): Uint8Array {
  return fromDigest(CODEC_DCBOR, crypto.sha256(bytes)).bytes
}

/** The 36 bytes of a CID, which are what is signed. Throws for text that is no CID. */
export function cidBytes(cid: string): Uint8Array {
  return fromString(cid).bytes
}

/** Whether two byte strings are equal. Not for secrets: it stops at the first difference. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false
  return true
}

/** Whether a value of a decoded record is bytes of a length between the two. A map with a text
 *  `$bytes`, as JSON has them, is none: with another key beside it, it is canonical CBOR. */
export function isBytesOf(value: unknown, min: number, max: number): boolean {
  return value instanceof BytesWrapper && value.buf.length >= min && value.buf.length <= max
}
