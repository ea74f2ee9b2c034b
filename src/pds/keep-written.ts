import { type CommitDataWithOps, type PDS } from '@atproto/pds'

type Transact = PDS['ctx']['actorStore']['transact']

/**
 * Keeps the blocks of the records that a commit writes. `@atproto/repo` counts a block as removed
 * when some record has ceased to hold it, though another one of the same commit holds it from now
 * on; the PDS then deletes it, and the second record is lost. So with a record that gets another
 * key, and with two that change places. After `fasten`, before any other part that overrides
 * `actorStore.transact`.
 */
export function keepWritten(pds: PDS): void {
  const store = pds.ctx.actorStore
  const transact = store.transact.bind(store)
  const keeping: Transact = (did, work) =>
    transact(did, (transactor) => {
      const { storage } = transactor.repo
      const applyCommit = storage.applyCommit.bind(storage)
      storage.applyCommit = (commit, isCreate) => {
        const { ops = [] }: Partial<CommitDataWithOps> = commit
        // Both: a block that was there before is not among the new ones.
        const written = [...commit.newBlocks.cids(), ...ops.map(({ cid }) => cid)]
        for (const cid of written) if (cid !== null) commit.removedCids.delete(cid)
        return applyCommit(commit, isCreate)
      }
      return work(transactor)
    })
  store.transact = keeping
}
