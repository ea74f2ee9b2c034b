import { type CidLinkWrapper } from '@atcute/cbor'
import { type Identity } from '../identity/identity.ts'
import { type Blocks, cidKey, readCarSlice } from './car.ts'
import { readCommit } from './commit-object.ts'
import { linkOf } from './mst-node.ts'
import { PartialTree } from './mst-tree.ts'
import { readRecordBlock } from './record-block.ts'
import { splitPath } from './record-path.ts'
import { type Refusal, refuse } from './refusal.ts'

/** A commit whose signature holds, and the blocks that came with it. */
export type SignedRepo = {
  readonly ok: true
  readonly did: string
  /** CID of the commit block */
  readonly commit: string
  readonly rev: string
  /** root of the tree */
  readonly data: CidLinkWrapper
  readonly blocks: Blocks
}

/** A record of a repo. */
export type RepoRecord = {
  readonly collection: string
  readonly rkey: string
  readonly cid: string
  readonly bytes: Uint8Array
}

/** Reads a CAR that begins with a commit: the hash of every block, and the account's signature. */
export function openSignedRepo(signed: {
  car: Uint8Array
  identity: Pick<Identity, 'did' | 'signingKey'>
  now: Date
}): SignedRepo | Refusal {
  const car = readCarSlice(signed.car)
  return car.ok ? openSignedBlocks({ ...signed, ...car }) : car
}

/** The same of blocks that are known to have the hashes they are kept under. */
export function openSignedBlocks(signed: {
  root: Uint8Array
  blocks: Blocks
  identity: Pick<Identity, 'did' | 'signingKey'>
  now: Date
}): SignedRepo | Refusal {
  const { root, blocks, identity, now } = signed
  const block = blocks.get(cidKey(root))
  if (block === undefined) return refuse('MissingCommit', 'the CAR does not hold its root')
  const commit = readCommit(block, identity, now)
  if (!commit.ok) return commit
  const { did, rev, data } = commit
  return { ok: true, did, commit: linkOf(cidKey(root)).$link, rev, data, blocks }
}

/** CIDs of the tree's nodes on the way to a path, as far as they are at hand. */
export function wayTo({ data, blocks }: SignedRepo, path: string): string[] {
  const tree = new PartialTree(cidKey(data.bytes), blocks)
  return tree.wayTo(path).map((link) => linkOf(link).$link)
}

/** Every record of a whole repo in the order of the tree, of the collections asked for. The tree
 *  is checked down to each of its records; the first that is missing or wrong refuses all. */
export function readRecords(
  { data, blocks }: SignedRepo,
  collections: (nsid: string) => boolean = () => true,
): { ok: true; records: RepoRecord[] } | Refusal {
  const records: RepoRecord[] = []
  let fault: Refusal | undefined
  const tree = new PartialTree(cidKey(data.bytes), blocks)
  tree.walk((key, value) => {
    const path = splitPath(key)
    if (path === undefined) fault ??= refuse('BadTree', `${key} is no path of a record`)
    else if (!collections(path.collection) && blocks.has(value)) return
    else {
      const cid = linkOf(value)
      const record = readRecordBlock(cid, blocks)
      if (record.ok) records.push({ ...path, cid: cid.$link, bytes: record.bytes })
      else fault ??= { ...record, detail: `${key}: ${record.detail}` }
    }
  })
  fault ??= tree.fault
  return fault ?? { ok: true, records }
}
