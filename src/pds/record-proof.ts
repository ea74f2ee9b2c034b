import { type PDS } from '@atproto/pds'
import { getRecords } from '@atproto/repo'
import { AtUri } from '@atproto/syntax'

/** A record with the CAR that shows that it stands in its repo. */
export type ProvenRecord = { readonly record: Uint8Array; readonly car: Uint8Array }

/** A public record of an account hosted here, as anybody can be shown that it is there; undefined
 *  when there is none. */
export async function recordProof(
  pds: PDS,
  { did, collection, rkey }: { did: string; collection: string; rkey: string },
): Promise<ProvenRecord | undefined> {
  if (!(await pds.ctx.actorStore.exists(did))) return undefined
  return pds.ctx.actorStore.read(did as never, async (store) => {
    const { storage } = store.repo
    const cid = await store.record.getCurrentRecordCid(AtUri.make(did, collection, rkey))
    const root = await storage.getRoot()
    if (!cid || !root) return undefined
    const [record] = [await storage.getBytes(cid)]
    if (!record) return undefined
    const parts: Uint8Array[] = []
    for await (const part of getRecords(storage, root, [{ collection, rkey }])) parts.push(part)
    return { record: new Uint8Array(record), car: new Uint8Array(Buffer.concat(parts)) }
  })
}
