import { Readable } from 'node:stream'
import { type TypedBlobRef } from '@atproto/lex'
import { type PDS } from '@atproto/pds'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { requireActiveAccount } from './hosted-account.ts'

/** What to store for which account, and its media type unless the bytes tell another. */
export type BlobUpload = {
  did: string
  content: Uint8Array | Readable
  mimeType: `${string}/${string}`
}

/**
 * Stores a blob for an account of this node and answers the reference to put into a record; a blob
 * no record refers to may be cleaned away. The type found in the bytes wins over `mimeType`.
 * Throws XRPC `BlobTooLarge`, or an account error as a write does.
 */
export async function uploadBlob(pds: PDS, blob: BlobUpload): Promise<TypedBlobRef> {
  const did = await requireActiveAccount(pds, blob.did)
  const limit = pds.ctx.cfg.service.blobUploadLimit
  const { content } = blob
  const stream = content instanceof Readable ? content : Readable.from([content])
  return pds.ctx.actorStore.writeNoTransaction(did, async (store) => {
    const metadata = await store.repo.blob
      .uploadBlobAndGetMetadata(stream, blob.mimeType, limit)
      .catch((error: unknown) => {
        throw tooLarge(error, limit)
      })
    return store.transact(async ({ repo }) => {
      const reference = await repo.blob.trackUntetheredBlob(metadata)
      // A record may have named the blob before it was uploaded (an imported repo).
      if (await repo.blob.hasRecordsForBlob(reference.ref)) {
        await repo.blob.verifyBlobAndMakePermanent(reference)
      }
      return reference
    })
  })
}

/** The package's size check throws a bare Error, possibly as the cause of another. */
function tooLarge(error: unknown, limit: number): unknown {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; depth++) {
    if (each.message.startsWith('Max size of')) {
      return new InvalidRequestError(`A blob has at most ${limit} bytes`, 'BlobTooLarge')
    }
    each = each.cause
  }
  return error
}
