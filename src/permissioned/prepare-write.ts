import { type LexMap, enumBlobRefs } from '@atproto/lex'
import { encode } from '@atproto/lex-cbor'
import { isValidNsid, isValidRecordKey } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { cidOfBlock, cidText } from './cid-bytes.ts'

/**
 * One write of a batch: `put` creates or replaces. `swapRecord` is the CID that must be there,
 * null for none. Records are data-model values: CIDs as objects, blobs as uploading them answered.
 */
export type SpaceWrite = {
  action: 'create' | 'put' | 'update' | 'delete'
  collection: string
  rkey: string
  record?: LexMap
  swapRecord?: string | null
}

/** Says whether a record may stand under that collection and key; the message names the field. */
export type ValidateRecord = (
  collection: string,
  rkey: string,
  record: unknown,
) => { ok: true } | { ok: false; message: string }

/** A blob that a record refers to. */
export type BlobLink = { cid: string; mimeType: string; size: number }

/** A write that was found good, with the block of its record; both null for a deletion. */
export type PreparedWrite = {
  action: SpaceWrite['action']
  collection: string
  rkey: string
  path: string
  cid: string | null
  bytes: Uint8Array | null
  record: LexMap | undefined
  blobs: readonly BlobLink[]
  swapRecord: string | null | undefined
}

/** Writes in one batch. */
export const WRITES_MAX = 200
/** Bytes of one record: what readers of a repo's CAR take. */
export const RECORD_MAX = 1_000_000
const DEPTH_MAX = 32

/** Checks a batch and encodes its records. Throws XRPC `InvalidRequest`, naming what is wrong. */
export function prepareWrites(
  writes: readonly SpaceWrite[],
  validate: ValidateRecord,
): PreparedWrite[] {
  if (writes.length === 0 || writes.length > WRITES_MAX) {
    throw invalid(`A batch has 1 to ${WRITES_MAX} writes, not ${writes.length}`)
  }
  return writes.map((write) => prepareWrite(write, validate))
}

function prepareWrite(write: SpaceWrite, validate: ValidateRecord): PreparedWrite {
  const { action, collection, rkey, record, swapRecord } = write
  if (!isValidNsid(collection)) throw invalid(`Not a collection: ${collection}`)
  if (!isValidRecordKey(rkey)) throw invalid('Invalid record key')
  const at = { action, collection, rkey, path: `${collection}/${rkey}`, swapRecord }
  if (action === 'delete') return { ...at, cid: null, bytes: null, record: undefined, blobs: [] }
  if (record === undefined) throw invalid(`${action} of ${at.path} has no record`)
  if (record.$type !== collection) throw invalid(`$type of a record is its collection`)
  if (isDeeper(record, DEPTH_MAX)) throw invalid(`A record has at most ${DEPTH_MAX} levels`)
  const verdict = validate(collection, rkey, record)
  if (!verdict.ok) throw invalid(verdict.message)
  const bytes = encoded(record)
  if (bytes.length > RECORD_MAX) throw invalid(`A record has at most ${RECORD_MAX} bytes`)
  return { ...at, record, bytes, cid: cidText(cidOfBlock(bytes)), blobs: blobsOf(record) }
}

/** The blobs that a record refers to, each once. */
export function blobsOf(record: LexMap): BlobLink[] {
  const found = new Map<string, BlobLink>()
  for (const { ref, mimeType, size } of enumBlobRefs(record, { allowLegacy: false })) {
    const cid = ref.toString()
    found.set(cid, { cid, mimeType, size })
  }
  return [...found.values()]
}

function encoded(record: LexMap): Uint8Array {
  try {
    return encode(record)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new InvalidRequestError(`Not a record: ${detail}`, 'InvalidRequest', { cause })
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}
