import { type Blocks, cidKey, readCarSlice } from './car.ts'
import { type CidLinkWrapper } from '@atcute/cbor'
import { type AccountKey, readCommit } from './commit-object.ts'
import { type CommitEvent, type RecordWrite, type SyncEvent } from './event.ts'
import { type CommitMessage, type SyncMessage } from './message.ts'
import { invertOps } from './mst-invert.ts'
import { readRecordBlock } from './record-block.ts'
import { splitPath } from './record-path.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What a message is checked against; `collections` says of which records the bytes are wanted. */
export type Check<M> = {
  message: M
  identity: AccountKey
  now: Date
  collections: (nsid: string) => boolean
}

/**
 * Verifies a commit: hashes of all blocks, the commit object against the message, the signature,
 * and the operations, which undone give the tree before (sync 1.1), so none is left out. The event
 * lists only writes to wanted collections, but all are checked. Operations without the CID before,
 * as hosts sent before sync 1.1, and two on one path are refused as `BadMessage`: the reference
 * relay takes neither. What is refused after the signature has held has `moved`.
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
  const writes = verifyOps(check, commit.data, car.blocks)
  if (!Array.isArray(writes)) return { ...writes, moved: true }
  const { prevData, seq, did, rev, since, time } = message
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
  { message, collections }: Check<CommitMessage>,
  data: CidLinkWrapper,
  blocks: Blocks,
): RecordWrite[] | Refusal {
  const { ops, prevData, did } = message
  const shape = faultOfOps(message)
  if (shape !== undefined) return refuse('BadMessage', shape)
  const writes: RecordWrite[] = []
  for (const { action, path, cid } of ops) {
    const parts = splitPath(path)
    if (parts === undefined) return refuse('BadMessage', 'path of an operation')
    const write = { action, did, ...parts }
    const isWanted = collections(parts.collection)
    if (cid === null) {
      if (isWanted) writes.push({ ...write, cid: null, bytes: null })
      continue
    }
    const record = readRecordBlock(cid, blocks)
    if (!record.ok) return record
    if (isWanted) writes.push({ ...write, cid: cid.$link, bytes: record.bytes })
  }
  return invertOps({ data, prevData, ops, blocks }) ?? writes
}

function faultOfOps({ ops, since, prevData }: CommitMessage): string | undefined {
  if (prevData === null && since !== null) return 'no prevData, though not the first commit'
  const untold = ops.find(({ action, prev }) => (action === 'create') !== (prev === null))
  if (untold !== undefined) return `prev of the ${untold.action} of ${untold.path}`
  const paths = new Set(ops.map(({ path }) => path))
  return paths.size === ops.length ? undefined : 'two operations on one path'
}
