import type { PDS } from '@atproto/pds'
import { AtUri } from '@atproto/syntax'

/** The version of a record of an account hosted here; undefined when there is none. */
export async function recordCid(
  pds: PDS,
  at: { did: string; collection: string; rkey: string },
): Promise<string | undefined> {
  const { did, collection, rkey } = at
  if (!(await pds.ctx.actorStore.exists(did))) return undefined
  const uri = AtUri.make(did, collection, rkey)
  const cid = await pds.ctx.actorStore.read(did as never, (store) =>
    store.record.getCurrentRecordCid(uri),
  )
  return cid?.toString()
}
