import { type CidLinkWrapper } from '@atcute/cbor'
import { type Blocks, cidKey, readCarSlice } from './car.ts'
import { type AccountKey, readCommit } from './commit-object.ts'
import { type CommitEvent, type RecordWrite, type SyncEvent } from './event.ts'
import { type CommitMessage, type OpMessage, type SyncMessage } from './message.ts'
import { type TreeProof, openTreeProof } from './mst-proof.ts'
import { readRecordBlock } from './record-block.ts'
import { splitPath } from './record-path.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * Undoes the operations of a commit in its tree slice and compares the root with `prevData` (sync
 * 1.1); undefined when they agree. Given to `verifyCommit`, it proves that no write was left out.
 */
export type Inversion = (change: {
  data: CidLinkWrapper
  prevData: CidLinkWrapper | null
  ops: readonly OpMessage[]
  blocks: Blocks
}) => Refusal | undefined

/** What a message is checked against; `collections` says of which records the bytes are wanted. */
export type Check<M> = {
  message: M
  identity: AccountKey
  now: Date
  collections: (nsid: string) => boolean
  invert?: Inversion
}

/**
 * Verifies a commit: hashes of all blocks, the commit object against the message, the signature,
 * and each operation in the tree: written records included, removed ones absent. The event lists
 * only writes to wanted collections, but all are checked. A path written twice counts as last told.
 */
export function verifyCommit(
  check: Check<CommitMessage>,
): { ok: true; event: CommitEvent } | Refusal {
  const { message, identity, now } = check
  if (message.did !== identity.did) return refuse('WrongDid', identity.did)
  const car = readCarSlice(message.blocks)
  if (!car.ok) return car
  const key = cidKey(message.commit.bytes)
  if (cidKey(car.root) !== key) return refuse('CommitMismatch', 'the CAR starts elsewhere')
  const commit = openCommit(key, car.blocks, identity, now)
  if (!commit.ok) return commit
  if (commit.rev !== message.rev) return refuse('CommitMismatch', `rev ${commit.rev}`)
  const writes = verifyOps(check, openTreeProof(commit.data, car.blocks), car.blocks)
  if (!Array.isArray(writes)) return writes
  const { ops, prevData, seq, did, rev, since, time } = message
  const fault = check.invert?.({ data: commit.data, prevData, ops, blocks: car.blocks })
  if (fault !== undefined) return fault
  const proved = { data: commit.data.$link, prevData: prevData?.$link ?? null }
  const event = { seq, did, rev, since, ...proved, time, writes }
  return { ok: true, event: { kind: 'commit', ...event } }
}

/** Verifies the one commit of a `#sync` message. */
export function verifySync(check: {
  message: SyncMessage
  identity: AccountKey
  now: Date
}): { ok: true; event: SyncEvent } | Refusal {
  const { message, identity, now } = check
  if (message.did !== identity.did) return refuse('WrongDid', identity.did)
  const car = readCarSlice(message.blocks)
  if (!car.ok) return car
  const commit = openCommit(cidKey(car.root), car.blocks, identity, now)
  if (!commit.ok) return commit
  const { seq, did, rev, time } = message
  if (commit.rev !== rev) return refuse('CommitMismatch', `rev ${commit.rev}`)
  return { ok: true, event: { kind: 'sync', seq, did, rev, data: commit.data.$link, time } }
}

function openCommit(key: string, blocks: Blocks, identity: AccountKey, now: Date) {
  const block = blocks.get(key)
  if (block === undefined) return refuse('MissingCommit', 'the CAR does not hold its root')
  return readCommit(block, identity, now)
}

function verifyOps(
  check: Check<CommitMessage>,
  tree: TreeProof,
  blocks: Blocks,
): RecordWrite[] | Refusal {
  const lastTold = new Map(check.message.ops.map((op) => [op.path, op]))
  const writes: RecordWrite[] = []
  for (const op of lastTold.values()) {
    const path = splitPath(op.path)
    if (path === undefined) return refuse('BadMessage', 'path of an operation')
    const fault = faultInTree(op, tree)
    if (fault !== undefined) return fault
    const write = { action: op.action, did: check.message.did, ...path }
    const wanted = check.collections(path.collection)
    if (op.cid === null) {
      if (wanted) writes.push({ ...write, cid: null, bytes: null })
      continue
    }
    const record = readRecordBlock(op.cid, blocks)
    if (!record.ok) return record
    if (wanted) writes.push({ ...write, cid: op.cid.$link, bytes: record.bytes })
  }
  return writes
}

function faultInTree(op: OpMessage, tree: TreeProof): Refusal | undefined {
  const found = tree.find(op.path)
  if (!found.ok) return found
  if (op.cid === null) {
    return found.cid === null ? undefined : refuse('DeletedRecordInTree', op.path)
  }
  if (found.cid !== null && cidKey(found.cid.bytes) === cidKey(op.cid.bytes)) return undefined
  return refuse('RecordNotInTree', op.path)
}
