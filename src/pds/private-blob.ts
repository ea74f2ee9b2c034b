import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { type Cid, parseCid } from '@atproto/lex'
import type { PDS } from '@atproto/pds'

/** Bytes of blobs that records of spaces refer to, in a partition of the blob store that no method
 *  of the public repo looks into. */
export type PrivateBlobs = {
  /**
   * Copies an uploaded blob into the partition and answers what was said of it; undefined when
   * nothing was uploaded, or it has been taken down. May be repeated until the upload is dropped.
   */
  takeUpload(did: string, cid: string): Promise<{ mimeType: string; size: number } | undefined>
  /** Deletes the upload, unless a public record refers to it. */
  dropUpload(did: string, cid: string): Promise<void>
  /** The bytes that were taken; undefined when there are none. */
  read(did: string, cid: string): Promise<Readable | undefined>
  remove(did: string, cid: string): Promise<void>
}

type Store = ReturnType<PDS['ctx']['blobstore']>
/** Both kinds of stores name their files so; the package's types leave that out. */
type Paths = { getStoredPath(cid: Cid): string; getTmpPath(key: string): string }

/** Keeps private blobs in the PDS's own blob store, on disk or elsewhere. */
export function privateBlobs(pds: PDS): PrivateBlobs {
  const { actorStore } = pds.ctx
  const onDisk = pds.ctx.cfg.blobstore.provider === 'disk'
  const partition = (did: string) => pds.ctx.blobstore(`spaces/${did}`)
  return {
    async takeUpload(did, text) {
      const cid = parseCid(text)
      const upload = await actorStore.read(did as `did:${string}:${string}`, (store) =>
        store.repo.blob.db.db
          .selectFrom('blob')
          .select(['tempKey', 'mimeType', 'size'])
          .where('cid', '=', text)
          .where('takedownRef', 'is', null)
          .executeTakeFirst(),
      )
      if (!upload) return undefined
      const { tempKey, mimeType, size } = upload
      const from = tempKey === null ? pds.ctx.blobstore(did) : uploads(pds, did, tempKey)
      const stream = await from.getStream(cid).catch(undefinedIfMissing)
      if (!stream) return undefined
      const kept = partition(did)
      await kept.putPermanent(cid, stream)
      if (onDisk) await sync((kept as Store & Paths).getStoredPath(cid))
      return { mimeType, size }
    },
    async dropUpload(did, text) {
      const dropped = await actorStore.transact(did as `did:${string}:${string}`, (store) =>
        store.repo.blob.db.db
          .deleteFrom('blob')
          .where('cid', '=', text)
          .where('tempKey', 'is not', null)
          .where('cid', 'not in', (query) => query.selectFrom('record_blob').select('blobCid'))
          .returning('tempKey')
          .executeTakeFirst(),
      )
      if (dropped?.tempKey) await uploads(pds, did, dropped.tempKey).delete(parseCid(text))
    },
    async read(did, cid) {
      return partition(did).getStream(parseCid(cid)).catch(undefinedIfMissing)
    },
    remove: (did, cid) => partition(did).delete(parseCid(cid)),
  }
}

/** A store in which an upload that no record refers to yet is found under its CID: the package only
 *  ever moves such, and a move into another partition would be lost with the transaction. */
function uploads(pds: PDS, did: string, tempKey: string): Store {
  const store = pds.ctx.blobstore(did) as Store & Paths
  const path = store.getTmpPath(tempKey)
  store.getStoredPath = () => path
  return store
}

/** As the record that refers to it, the file has to survive a power cut. */
async function sync(path: string): Promise<void> {
  for (const each of [path, dirname(path)]) {
    await using file = await open(each)
    await file.sync()
  }
}

/** The package does not export the class, so it is told by name. */
function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Error && /NotFound/.test(error.constructor.name)) return undefined
  throw error
}
