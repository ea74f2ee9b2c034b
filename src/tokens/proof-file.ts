import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import type { Proof } from './light-client.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type Check, did, fields, int, list } from './shape.ts'

/** A proof as a file has it: JSON, with bytes as base64 in `{"$bytes": …}`. */
export type ProofFile = {
  readonly epochs: readonly JsonBytes[]
  readonly account: string
  readonly transfer: JsonBytes
  readonly certificate: JsonBytes
  readonly settled?: { readonly index: number; readonly path: readonly JsonBytes[] }
}
type JsonBytes = { readonly $bytes: string }

/** Most epochs of a chain: one a day for 27 years. */
const EPOCHS_MAX = 10_000
/** Characters of base64 for the largest record, 256 KiB. */
const BASE64_MAX = 349_528

const record = fields({ $bytes: base64 })
const shape = fields(
  { epochs: list(record, 0, EPOCHS_MAX), account: did, transfer: record, certificate: record },
  { settled: fields({ index: int(0), path: list(record, 0, 64) }) },
)

/** Reads what a proof file says; nothing of it is judged yet. */
export function readProofFile(value: unknown): { readonly ok: true; proof: Proof } | Refusal {
  const fault = shape(value, 'proof')
  if (fault !== undefined) return refuse('Malformed', fault)
  const { epochs, account, transfer, certificate, settled } = value as ProofFile
  const proof: Proof = {
    epochs: epochs.map(bytesOf),
    account,
    transfer: bytesOf(transfer),
    certificate: bytesOf(certificate),
    ...(settled && {
      settled: { index: settled.index, path: settled.path.map((one) => toBytes(bytesOf(one))) },
    }),
  }
  return { ok: true, proof }
}

/** A proof as it is written to a file. */
export function proofFile({ epochs, account, transfer, certificate, settled }: Proof): ProofFile {
  return {
    epochs: epochs.map(jsonOf),
    account,
    transfer: jsonOf(transfer),
    certificate: jsonOf(certificate),
    ...(settled && {
      settled: { index: settled.index, path: settled.path.map((one) => jsonOf(fromBytes(one))) },
    }),
  }
}

function base64(...[value, at]: Parameters<Check>): string | undefined {
  if (typeof value !== 'string') return `${at} is no text`
  if (value.length > BASE64_MAX) return `${at} is longer than ${BASE64_MAX}`
  try {
    bytesOf({ $bytes: value })
    return undefined
  } catch {
    return `${at} is no base64`
  }
}

function bytesOf(bytes: Bytes): Uint8Array {
  return fromBytes(bytes)
}

function jsonOf(bytes: Uint8Array): JsonBytes {
  return { $bytes: toBytes(bytes).$bytes }
}
