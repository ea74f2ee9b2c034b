import { type PDS } from '@atproto/pds'
import { requireActiveAccount } from './hosted-account.ts'

/** The newest commit of a public repo hosted here. */
export async function repoHead(pds: PDS, did: string): Promise<{ rev: string; commit: string }> {
  const hosted = await requireActiveAccount(pds, did)
  const { rev, cid } = await pds.ctx.actorStore.read(hosted, (store) =>
    store.repo.storage.getRootDetailed(),
  )
  return { rev, commit: cid.toString() }
}
