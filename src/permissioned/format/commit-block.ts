import { BytesWrapper, decode, encode, toBytes } from '@atcute/cbor'
import { scanCbor } from '../../bytes/cbor-scan.ts'
import { commitOf } from './commit-json.ts'
import type { SignedCommit } from './commit.ts'

const SCAN = { depth: 2, items: 32 }

/** A commit as a block of DAG-CBOR. */
export function commitBlock({ ver, hash, ikm, sig, mac, rev }: SignedCommit): Uint8Array {
  const bytes = { hash: toBytes(hash), ikm: toBytes(ikm), sig: toBytes(sig), mac: toBytes(mac) }
  return encode({ ver, rev, ...bytes })
}

/** The commit in a block; undefined unless it is one in canonical form. It is not yet checked. */
export function readCommitBlock(block: Uint8Array): SignedCommit | undefined {
  const scan = scanCbor(block, SCAN)
  if ('fault' in scan || scan.end !== block.length) return undefined
  try {
    const value: unknown = decode(block)
    if (value === null || typeof value !== 'object') return undefined
    const fields = Object.entries(value).map(([name, field]: [string, unknown]) => [
      name,
      field instanceof BytesWrapper ? field.buf : field,
    ])
    return commitOf(Object.fromEntries(fields) as Record<string, unknown>)
  } catch {
    return undefined
  }
}
