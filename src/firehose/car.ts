import { hash } from 'node:crypto'
import { fromUint8Array } from '@atcute/car'
import { CODEC_DCBOR } from '@atcute/cid'
import { type Refusal, refuse } from './refusal.ts'

/** Blocks of a CAR by `cidKey`, every one of which has the hash its CID says. */
export type Blocks = ReadonlyMap<string, Uint8Array>

/** A CAR slice of one repo: the block it starts from, and the blocks. */
export type CarSlice = { ok: true; root: Uint8Array; blocks: Blocks }

/** The header of a CAR with one or two roots takes 59 or 100 bytes, so its length one. */
const MAX_HEADER = 127

/** What the reader has found of each CID: version 1, DAG-CBOR, SHA-256 of 32 bytes. */
const PREFIX = '\x01\x71\x12\x20'

/** A CID's bytes as a key of a map; equal CIDs give equal keys. */
export function cidKey(cid: Uint8Array): string {
  return Buffer.from(cid.buffer, cid.byteOffset, cid.byteLength).toString('latin1')
}

/**
 * Reads a CARv1 with one root and hashes each block; only DAG-CBOR with SHA-256 is allowed. Blocks
 * that are told twice or that nothing needs are allowed: the reference PDS sends such, as its tree
 * proofs overlap and its diffs hold more than the proofs. The limit on the whole bounds their work.
 */
export function readCarSlice(bytes: Uint8Array): CarSlice | Refusal {
  // The reader decodes the header whatever it holds, so it may not be large.
  if ((bytes[0] ?? 0) > MAX_HEADER) return refuse('BadCar', 'header too long')
  const blocks = new Map<string, Uint8Array>()
  try {
    const car = fromUint8Array(bytes)
    const [root, ...others] = car.roots
    if (root === undefined || others.length > 0) return refuse('BadCar', 'not one root')
    for (const entry of car) {
      if (entry.cid.codec !== CODEC_DCBOR) return refuse('BadCar', 'a block that is not DAG-CBOR')
      const key = cidKey(entry.cid.bytes)
      if (PREFIX + hash('sha256', entry.bytes, 'binary') !== key) {
        return refuse('BadBlockHash', `not the bytes of ${hexOf(key)}`)
      }
      blocks.set(key, entry.bytes)
    }
    return { ok: true, root: Uint8Array.from(rootBytes(root)), blocks }
  } catch (error) {
    return refuse('BadCar', error instanceof Error ? error.message : 'unreadable')
  }
}

function hexOf(key: string): string {
  return Buffer.from(key, 'latin1').toString('hex')
}

function rootBytes(root: object): Uint8Array {
  if ('bytes' in root && root.bytes instanceof Uint8Array) return root.bytes
  throw new TypeError('root without bytes')
}
