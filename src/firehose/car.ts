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

/** A CID's bytes as a key of a map; equal CIDs give equal keys. */
export function cidKey(cid: Uint8Array): string {
  return Buffer.from(cid.buffer, cid.byteOffset, cid.byteLength).toString('latin1')
}

/** Reads a CARv1 with one root and hashes each block; only DAG-CBOR with SHA-256 is allowed. */
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
      const digest = hash('sha256', entry.bytes, 'buffer')
      if (!digest.equals(entry.cid.digest.contents)) {
        return refuse('BadBlockHash', `${digest.toString('hex')} under another CID`)
      }
      blocks.set(cidKey(entry.cid.bytes), entry.bytes)
    }
    return { ok: true, root: Uint8Array.from(rootBytes(root)), blocks }
  } catch (error) {
    return refuse('BadCar', error instanceof Error ? error.message : 'unreadable')
  }
}

function rootBytes(root: object): Uint8Array {
  if ('bytes' in root && root.bytes instanceof Uint8Array) return root.bytes
  throw new TypeError('root without bytes')
}
