import { BlockMap } from '@atproto/repo'
import { createLru, type Lru } from '../../crypto/lru.ts'
import { type ActorStore, type ActorTransactor, type Did, type Result } from './package-parts.ts'

const MAX_REPOS = 256
const MAX_BYTES = 256 * 1024
const MAX_BLOCKS = 400
// A larger block is a record, which the next commit does not need.
const MAX_BLOCK_BYTES = 16 * 1024

type Kept = { rev: string; blocks: BlockMap }

/**
 * Keeps the blocks around each repo's head from one commit to the next. They are used only when
 * the repo is still at the revision they were kept at, and kept only by a transaction that
 * committed: whatever else wrote to the repo, or failed to, makes them start anew.
 */
export function keepBlocks(store: ActorStore): void {
  const kept = createLru<string, Kept>(MAX_REPOS)
  const transact = store.transact.bind(store)
  store.transact = <T>(did: Did, fn: (txn: ActorTransactor) => Result<T>): Promise<T> =>
    transact(did, (txn) => {
      watch(did, txn, kept)
      return fn(txn)
    })
}

function watch(did: Did, txn: ActorTransactor, kept: Lru<string, Kept>): void {
  const { storage } = txn.repo
  const cacheRev = storage.cacheRev.bind(storage)
  const applyCommit = storage.applyCommit.bind(storage)
  // Taken out: a transaction that fails, or is tried again, does not put it back.
  const before = kept.get(did)
  kept.delete(did)
  let rev = before?.rev
  storage.cacheRev = async (current) => {
    if (before?.rev !== current) return cacheRev(current)
    storage.cache = before.blocks.addMap(storage.cache)
  }
  storage.applyCommit = async (commit, isCreate) => {
    await applyCommit(commit, isCreate)
    rev = commit.rev
    for (const cid of commit.removedCids.toList()) storage.cache.delete(cid)
    if (commit.newBlocks.size > MAX_BLOCKS) return
    for (const [cid, bytes] of commit.newBlocks) {
      if (bytes.length <= MAX_BLOCK_BYTES) storage.cache.set(cid, bytes)
    }
  }
  txn.repo.db.onCommit(() => {
    const blocks = rev === before?.rev ? before?.blocks : storage.cache
    if (rev === undefined || blocks === undefined) return
    const fits = blocks.size <= MAX_BLOCKS && blocks.byteSize <= MAX_BYTES
    if (fits) kept.set(did, { rev, blocks })
  })
}
