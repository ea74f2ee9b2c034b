import type { PDS } from '@atproto/pds'
import { verifyCommitSig } from '@atproto/repo'
import type { Log } from '../log.ts'

/**
 * An imported repo keeps the commit of the PDS it came from, signed with a key that is no longer
 * the account's: nobody could verify the `#sync` that announces it. So when an account becomes
 * active, a repo whose commit is not by its present key gets a new one, with the same content.
 */
export function resignOnActivation(pds: PDS, log: Log): void {
  const { accountManager, actorStore } = pds.ctx
  const activate = accountManager.activateAccount.bind(accountManager)
  accountManager.activateAccount = async (did) => {
    const commit = await actorStore.transact(did, async (store) => {
      const repo = await store.repo.maybeLoadRepo()
      const key = await actorStore.keypair(did)
      if (!repo || (await verifyCommitSig(repo.commit, key.did()))) return undefined
      return store.repo.processWrites([])
    })
    if (commit) {
      await accountManager.updateRepoRoot(did, commit.cid, commit.rev)
      log.info({ did, rev: commit.rev }, 'signed an imported repo anew')
    }
    return activate(did)
  }
}
