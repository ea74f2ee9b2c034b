import type { LexValue } from '@atproto/lex'
import { encode } from '@atproto/lex-cbor'

/** The canonical bytes of a record, as the rules of the ledger read them. */
export function coreBytes(record: object): Uint8Array {
  return encode(record as LexValue)
}

/** Bytes in hex, for views. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A number as text whose order is its own; the numbers of accounts go beyond 32 bits. */
export function paddedSeq(seq: number): string {
  return String(seq).padStart(12, '0')
}

/** Whether a key is the code of a ledger, in small letters, and this behind a dot. */
export function isKeyOf(rkey: string, rest: string | number): boolean {
  const dot = rkey.indexOf('.')
  return /^[a-z]{1,8}$/.test(rkey.slice(0, dot)) && rkey.slice(dot + 1) === String(rest)
}

/** Whether names stand in the order of their bytes, none twice. */
export function isInOrder(names: readonly string[]): boolean {
  return names.every((name, n) => n === 0 || names[n - 1]! < name)
}
