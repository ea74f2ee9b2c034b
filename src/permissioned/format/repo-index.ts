import { isValidNsid, isValidRecordKey } from '@atproto/syntax'
import { CID_BYTES, cidBytes, cidText, isBlockCid } from './cid-bytes.ts'

/** A record of a repo: `collection/rkey`, and the text of its CID. */
export type IndexEntry = { path: string; cid: string }

/** What is wrong with the index of a repo. */
export type IndexFault = 'BadIndex' | 'BadPath' | 'DuplicatePath' | 'WrongOrder' | 'TooManyRecords'

/** Where an entry lies in the index. */
export type IndexSlot = { path: Buffer; cid: Buffer }

const TEXT = 3
const MAP = 5
/** A link in DAG-CBOR: tag 42 on 37 bytes, the first of which is zero. */
const LINK = Buffer.from([0xd8, 0x2a, 0x58, 0x25, 0x00])

/**
 * The order of an index (DAG-CBOR's order of keys, RFC 7049 §3.9): the shorter path first, then by
 * bytes. Negative when `a` comes first, 0 for equal paths.
 */
export function comparePaths(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b)
}

/** The head of an index of so many entries. */
export function indexHead(count: number): Buffer {
  return head(MAP, count)
}

/** An entry as it lies in an index. Throws `TypeError` for a CID that is not that of a record. */
export function indexEntry({ path, cid }: IndexEntry): Buffer {
  const key = Buffer.from(path)
  const link = cidBytes(cid)
  if (link === undefined) throw new TypeError(`${cid} is not the CID of a record`)
  return Buffer.concat([head(TEXT, key.length), key, LINK, link])
}

/** Reads an index in canonical form entry by entry, ending with what is wrong if something is. */
export function* walkIndex(
  bytes: Buffer,
  recordsMax = Infinity,
): Generator<IndexSlot, IndexFault | undefined> {
  const map = readHead(bytes, 0)
  if (map?.major !== MAP) return 'BadIndex'
  if (map.value > recordsMax) return 'TooManyRecords'
  let at = map.next
  let before: Buffer | undefined
  for (let n = 0; n < map.value; n += 1) {
    const text = readHead(bytes, at)
    if (text?.major !== TEXT) return 'BadIndex'
    const path = bytes.subarray(text.next, text.next + text.value)
    const link = text.next + text.value
    const from = link + LINK.length
    const cid = bytes.subarray(from, from + CID_BYTES)
    if (!bytes.subarray(link, from).equals(LINK) || !isBlockCid(cid)) return 'BadIndex'
    const order = before === undefined ? -1 : comparePaths(before, path)
    if (order >= 0) return order === 0 ? 'DuplicatePath' : 'WrongOrder'
    yield { path, cid }
    before = path
    at = from + CID_BYTES
  }
  return at === bytes.length ? undefined : 'BadIndex'
}

/** Whether the path is that of a record: a collection and a record key that are valid. */
export function isRecordPath(path: Buffer): boolean {
  const text = path.toString('latin1')
  const slash = text.indexOf('/')
  return isValidNsid(text.slice(0, Math.max(slash, 0))) && isValidRecordKey(text.slice(slash + 1))
}

/** The entry in a slot whose path is that of a record. */
export function entryOf({ path, cid }: IndexSlot): IndexEntry {
  return { path: path.toString('latin1'), cid: cidText(cid) }
}

/** Every head in an index is below 2^32, in its shortest form (RFC 8949 §4.2.1). */
function readHead(bytes: Buffer, at: number) {
  const first = bytes[at]
  if (first === undefined) return undefined
  const size = [0, 1, 2, 4][Math.max((first & 0x1f) - 23, 0)]
  if (size === undefined || at + 1 + size > bytes.length) return undefined
  const value = size === 0 ? first & 0x1f : bytes.readUIntBE(at + 1, size)
  const major = first >> 5
  return head(major, value).length === 1 + size ? { major, value, next: at + 1 + size } : undefined
}

function head(major: number, value: number): Buffer {
  const size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4
  const bytes = Buffer.alloc(1 + size)
  bytes[0] = (major << 5) | (size === 0 ? value : 24 + Math.log2(size))
  if (size > 0) bytes.writeUIntBE(value, 1, size)
  return bytes
}
