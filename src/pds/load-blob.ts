import { parseCid } from '@atproto/lex'
import type { PDS } from '@atproto/pds'

/** The bytes of a blob of an account hosted here; undefined for any other account, for a blob its
 *  store does not have or has taken down, and for one of more than `maxBytes`. */
export async function loadBlob(
  pds: PDS,
  blob: { did: string; cid: string; maxBytes: number },
): Promise<Uint8Array | undefined> {
  const did = blob.did as `did:${string}:${string}`
  const account = await pds.ctx.accountManager.getAccount(did)
  if (!account) return undefined
  const found = await pds.ctx.actorStore
    .read(did, (store) => store.repo.blob.getBlob(parseCid(blob.cid)))
    .catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
  if (!found || found.size > blob.maxBytes) {
    found?.stream.destroy()
    return undefined
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of found.stream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** The package does not export the class, so it is told by name. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && /NotFound/.test(error.constructor.name)
}
