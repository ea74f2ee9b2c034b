import { type Cid } from '@atproto/lex'
import { type CommitDataWithOps, type PDS } from '@atproto/pds'
import { type CommitData, MST, MemoryBlockstore, SyncStorage, def } from '@atproto/repo'

type ActorStore = PDS['ctx']['actorStore']
type Storage = Parameters<Parameters<ActorStore['transact']>[1]>[0]['repo']['storage']

/**
 * Keeps the blocks of the records that a repo holds after a commit. `@atproto/repo` counts a block
 * as removed when some record has ceased to hold it, though another one of the same commit holds it
 * from now on; the PDS then deletes it, and the second record is lost. So with a record that gets
 * another key, with two that change places, and with the repo that is imported over a newer one.
 * After `fasten`, before any other part that overrides `actorStore.transact`.
 */
export function keepWritten(pds: PDS): void {
  const store: ActorStore = pds.ctx.actorStore
  const transact = store.transact.bind(store)
  store.transact = (did, work) =>
    transact(did, (transactor) => {
      const { storage } = transactor.repo
      const applyCommit = storage.applyCommit.bind(storage)
      storage.applyCommit = async (commit, isCreate) => {
        for (const cid of await heldAfter(commit, storage)) commit.removedCids.delete(cid)
        return applyCommit(commit, isCreate)
      }
      return work(transactor)
    })
}

/** What of the removed may still be held: what the commit writes, or all that the repo then has. */
async function heldAfter(commit: CommitData, storage: Storage): Promise<Iterable<Cid>> {
  const { ops }: Partial<CommitDataWithOps> = commit
  // Of the records that were there already the package knows by itself.
  if (ops) return ops.flatMap(({ cid }) => cid ?? [])
  // Who removes no more than the commit before has taken away no record.
  if (commit.removedCids.size() < 2) return []
  // An import: it does not tell what it writes, and nobody has asked who else holds a block.
  const blocks = new SyncStorage(new MemoryBlockstore(commit.newBlocks), storage)
  const { data } = await blocks.readObj(commit.cid, def.versionedCommit)
  return (await MST.load(blocks, data).leaves()).map(({ value }) => value)
}
