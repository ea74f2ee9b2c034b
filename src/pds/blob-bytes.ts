import { type PDS } from '@atproto/pds'
import { type DidString } from '@atproto/syntax'

/** The bytes of all blobs in the repos of accounts of this node; those that are gone have none. */
export async function blobBytes(pds: PDS, dids: readonly string[]): Promise<number> {
  let bytes = 0
  for (const did of dids as readonly DidString[]) {
    if (!(await pds.ctx.actorStore.exists(did))) continue
    const found = await pds.ctx.actorStore.read(did, ({ repo }) =>
      repo.blob.db.db
        .selectFrom('blob')
        .select(({ fn }) => fn.sum<number | null>('size').as('bytes'))
        .executeTakeFirst(),
    )
    bytes += found?.bytes ?? 0
  }
  return bytes
}
