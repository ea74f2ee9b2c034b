import { hash } from 'node:crypto'
import { CidLinkWrapper } from '@atcute/cbor'
import { fromString } from '@atcute/cid'

/** What the CID of every record begins with: version 1, DAG-CBOR, SHA-256 of 32 bytes. */
const PREFIX = Buffer.from([0x01, 0x71, 0x12, 0x20])
const TEXT = 59

/** Bytes of a CID of a block. */
export const CID_BYTES = 36

/** Whether the bytes are the CID of a block in DAG-CBOR with SHA-256, the only one a repo has. */
export function isBlockCid(bytes: Uint8Array): boolean {
  return bytes.length === CID_BYTES && PREFIX.every((byte, at) => bytes[at] === byte)
}

/** The CID of a block, in bytes. */
export function cidOfBlock(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([PREFIX, hash('sha256', Buffer.concat(parts), 'buffer')])
}

/** The text of a CID that `isBlockCid`. */
export function cidText(bytes: Uint8Array): string {
  return new CidLinkWrapper(Uint8Array.from(bytes)).$link
}

/** The bytes of a CID that is given as text; undefined unless it is that of a block. */
export function cidBytes(text: string): Uint8Array | undefined {
  if (text.length !== TEXT) return undefined
  try {
    const { bytes } = fromString(text)
    return isBlockCid(bytes) && cidText(bytes) === text ? bytes : undefined
  } catch {
    return undefined
  }
}
