import { type LexMap, type TypedBlobRef } from '@atproto/lex'
import { type PDS, type PreparedWrite, repoPrepare } from '@atproto/pds'
import { WriteOpAction } from '@atproto/repo'
import { type DidString, isValidNsid, isValidRecordKey, type NsidString } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Log } from '../log.ts'
import { requireActiveAccount } from './hosted-account.ts'
import { commitWrites, type Root, toCid } from './write-commit.ts'
import { type BlobUpload, uploadBlob } from './upload-blob.ts'
import { toXrpcError } from './write-error.ts'

/** A new record, in data-model values: CIDs as objects, blobs as `uploadBlob` answers them. */
export type Create = { collection: string; rkey?: string; record: LexMap }
/** A record to create or replace. `swapRecord` is the CID it must replace, null for none. */
export type Put = { collection: string; rkey: string; record: LexMap; swapRecord?: string | null }
/** A record to delete, if it still has the CID `swapRecord`. */
export type Delete = { collection: string; rkey: string; swapRecord?: string }
/** One of several writes of one commit. */
export type Write =
  | ({ action: 'create' } & Create)
  | ({ action: 'update' } & Put)
  | ({ action: 'delete' } & Delete)

/** Which repo, and the commit it must still stand at. */
export type Target = { did: string; swapCommit?: string }

/** The repo after a write. One that changed nothing made no commit and answers the present one. */
export type Written = {
  did: string
  rev: string
  commit: string
  /** In the order of the writes; a deletion has no CID. */
  results: { uri: string; cid: string | undefined }[]
}

/** The node's way to write public records into repos it hosts. */
export type Writer = {
  /** Throws `RecordAlreadyExists` if the key is taken. */
  createRecord(write: Target & Create): Promise<Written>
  /** Putting what is already there changes nothing. */
  putRecord(write: Target & Put): Promise<Written>
  /** Deleting what is not there changes nothing. */
  deleteRecord(write: Target & Delete): Promise<Written>
  /** All or nothing, 1 to 200 writes. Throws `RecordNotFound` for an absent update or delete. */
  applyWrites(batch: Target & { writes: Write[] }): Promise<Written>
  /** Throws `BlobTooLarge`. The answer goes into a record; unused blobs may be cleaned away. */
  uploadBlob(blob: BlobUpload): Promise<TypedBlobRef>
}

const WRITES_MAX = 200

/**
 * Makes the writer. Its records are validated, signed, sequenced and their blobs kept exactly as
 * a client's would be; a busy database is retried as the package does, for up to 5 s. All its
 * refusals are XRPC errors with status 400: `InvalidRequest`, `InvalidSwap`, `AccountNotFound`,
 * `AccountDeactivated`, `AccountTakedown`, `RecordAlreadyExists`, `RecordNotFound`.
 */
export function createWriter(pds: PDS, log: Log): Writer {
  const applyWrites = async ({ writes, ...target }: Target & { writes: Write[] }) => {
    if (writes.length === 0 || writes.length > WRITES_MAX) {
      throw new InvalidRequestError(`A batch has 1 to ${WRITES_MAX} writes, not ${writes.length}`)
    }
    const did = await requireActiveAccount(pds, target.did)
    const prepared = await Promise.all(writes.map((write) => prepare(did, write)))
    const { swapCommit } = target
    const root = await commitWrites({ pds, log, did, swapCommit, work: () => prepared })
    return answer(did, root, prepared)
  }
  return {
    applyWrites,
    createRecord: ({ did, swapCommit, ...write }) =>
      applyWrites({ did, swapCommit, writes: [{ action: 'create', ...write }] }),
    putRecord: (write) => putRecord(pds, log, write),
    deleteRecord: (write) => deleteRecord(pds, log, write),
    uploadBlob: (blob) => uploadBlob(pds, blob),
  }
}

async function putRecord(pds: PDS, log: Log, put: Target & Put): Promise<Written> {
  const did = await requireActiveAccount(pds, put.did)
  const write = await prepare(did, { action: 'update', ...put })
  if (write.action === 'delete') throw new Error('an update was prepared as a deletion')
  const { swapCommit } = put
  const work: Parameters<typeof commitWrites>[0]['work'] = async ({ record }) => {
    const current = await record.getCurrentRecordCid(write.uri)
    if (!current) return [{ ...write, action: WriteOpAction.Create }]
    if (!current.equals(write.cid)) return [write]
    if (write.swapCid === undefined || write.swapCid?.equals(current)) return []
    throw new InvalidRequestError(`Record was at ${current.toString()}`, 'InvalidSwap')
  }
  return answer(did, await commitWrites({ pds, log, did, swapCommit, work }), [write])
}

async function deleteRecord(pds: PDS, log: Log, gone: Target & Delete): Promise<Written> {
  const did = await requireActiveAccount(pds, gone.did)
  const write = await prepare(did, { action: 'delete', ...gone })
  const { swapCommit } = gone
  const work: Parameters<typeof commitWrites>[0]['work'] = async ({ record }) =>
    (await record.getCurrentRecordCid(write.uri)) ? [write] : []
  return answer(did, await commitWrites({ pds, log, did, swapCommit, work }), [write])
}

async function prepare(did: DidString, write: Write): Promise<PreparedWrite> {
  const collection = asNsid(write.collection)
  const rkey = write.rkey === undefined ? undefined : asRecordKey(write.rkey)
  try {
    if (write.action === 'create') {
      return await repoPrepare.prepareCreate({ did, collection, rkey, record: write.record })
    }
    const { swapRecord } = write
    const swapCid = typeof swapRecord === 'string' ? toCid(swapRecord) : swapRecord
    const place = { did, collection, rkey: write.rkey, swapCid }
    if (write.action === 'delete') return repoPrepare.prepareDelete(place)
    return await repoPrepare.prepareUpdate({ ...place, record: write.record })
  } catch (error) {
    throw toXrpcError(error)
  }
}

function asNsid(collection: string): NsidString {
  if (!isValidNsid(collection)) throw new InvalidRequestError(`Not a collection: ${collection}`)
  return collection
}

function asRecordKey(rkey: string): string {
  if (!isValidRecordKey(rkey)) throw new InvalidRequestError('Invalid record key')
  return rkey
}

function answer(did: string, root: Root, writes: PreparedWrite[]): Written {
  return {
    did,
    rev: root.rev,
    commit: root.cid.toString(),
    results: writes.map((write) => ({
      uri: write.uri.toString(),
      cid: write.action === 'delete' ? undefined : write.cid.toString(),
    })),
  }
}
