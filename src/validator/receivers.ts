import { decodeRecord } from '../tokens/encoding.ts'
import type { Transfer } from '../tokens/transfer.ts'

/** Whom a transfer that was read before credits. */
export function receiversOf(record: Uint8Array): string[] {
  const decoded = decodeRecord(record)
  return decoded.ok ? (decoded.value as Transfer).credits.map(({ to }) => to) : []
}
