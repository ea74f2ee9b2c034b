import { type Cid, parseCid } from '@atproto/lex'
import { type CommitDataWithOps, type PDS, type PreparedWrite } from '@atproto/pds'
import { type DidString } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Log } from '../log.ts'
import { toXrpcError } from './write-error.ts'

type Transactor = Parameters<Parameters<PDS['ctx']['actorStore']['transact']>[1]>[0]

/** Where a repo stands: its commit and that commit's revision. */
export type Root = { cid: Cid; rev: string }

/**
 * Runs `work` in one transaction of the repo, sequences the commit it makes and brings the account
 * to it. `work` answers the writes to commit, or none to leave the repo as it is; it may run again
 * when the database was busy.
 */
export async function commitWrites(options: {
  pds: PDS
  log: Log
  did: DidString
  swapCommit: string | undefined
  work: (transactor: Transactor) => Promise<PreparedWrite[]> | PreparedWrite[]
}): Promise<Root> {
  const { pds, log, did, work } = options
  const { actorStore, sequencer, accountManager } = pds.ctx
  const swapCommit = options.swapCommit === undefined ? undefined : toCid(options.swapCommit)
  let root: Root
  let changed = false
  try {
    root = await actorStore.transact(did, async (transactor) => {
      const writes = await work(transactor)
      changed = writes.length > 0
      if (!changed) return presentRoot(transactor, swapCommit)
      const commit: CommitDataWithOps = await transactor.repo.processWrites(writes, swapCommit)
      // Inside the transaction, as the package has it: events keep the order of the commits.
      await sequencer.sequenceCommit(did, commit)
      return commit
    })
  } catch (error) {
    throw toXrpcError(error)
  }
  if (changed) {
    await accountManager.updateRepoRoot(did, root.cid, root.rev).catch((error: unknown) => {
      // The commit stands and is announced; the account's copy of its root follows the next one.
      log.error({ err: error, did, rev: root.rev }, 'account root not updated')
    })
  }
  return root
}

/** The CID in a string, or XRPC `InvalidRequest`. */
export function toCid(text: string): Cid {
  try {
    return parseCid(text)
  } catch (cause) {
    throw new InvalidRequestError(`Not a CID: ${text}`, 'InvalidRequest', { cause })
  }
}

async function presentRoot(transactor: Transactor, swapCommit: Cid | undefined): Promise<Root> {
  const root = await transactor.repo.storage.getRootDetailed()
  if (swapCommit && !swapCommit.equals(root.cid)) {
    throw new InvalidRequestError(`Commit was at ${root.cid.toString()}`, 'InvalidSwap')
  }
  return root
}
