import { CidLinkWrapper, encode } from '@atcute/cbor'
import { cidBytes, cidOfBlock } from './cid-bytes.ts'
import { commitBlock } from './commit-block.ts'
import type { SignedCommit } from './commit.ts'
import { type IndexEntry, indexEntry, indexHead, walkIndex } from './repo-index.ts'

/** A repo to write: its records in the order of `comparePaths`, and their blocks in the same. */
export type RepoToWrite = {
  commit: SignedCommit
  index: AsyncIterable<IndexEntry>
  /** left out, the CAR ends after the index (`excludeValues`) */
  blocks?: AsyncIterable<{ cid: string; bytes: Uint8Array }>
}

/** Small parts of the index are joined to parts of this size. */
const PART = 64 << 10

/**
 * Writes a repo as a CARv1 with two roots (proposal 0016, "Sync"): the commit, the index, then one
 * block for each entry of the index. Memory holds the index and one block. Throws when index and
 * blocks are not those of one state of a repo, so that nothing is ever complete and wrong.
 */
export async function* writeRepoCar(repo: RepoToWrite): AsyncGenerator<Uint8Array> {
  const commit = commitBlock(repo.commit)
  const index = await encodeIndex(repo.index)
  const roots = [cidOfBlock(commit), cidOfBlock(index)] as const
  const links = roots.map((root) => new CidLinkWrapper(root))
  yield section(encode({ roots: links, version: 1 }))
  yield section(roots[0], commit)
  yield section(roots[1], index)
  if (repo.blocks === undefined) return
  const slots = walkIndex(index)
  for await (const { cid, bytes } of repo.blocks) {
    const slot = slots.next()
    const link = cidBytes(cid)
    if (slot.done || link === undefined || !slot.value.cid.equals(link)) {
      throw new Error(`the block ${cid} is not the next in the index`)
    }
    yield section(link, bytes)
  }
  if (slots.next().done !== true) throw new Error('the index names more blocks than there are')
}

async function encodeIndex(entries: AsyncIterable<IndexEntry>): Promise<Buffer> {
  const parts: Buffer[] = []
  let small: Buffer[] = []
  let size = 0
  let count = 0
  for await (const entry of entries) {
    const bytes = indexEntry(entry)
    small.push(bytes)
    size += bytes.length
    count += 1
    if (size < PART) continue
    parts.push(Buffer.concat(small))
    small = []
    size = 0
  }
  const index = Buffer.concat([indexHead(count), ...parts, ...small])
  const walk = walkIndex(index)
  let step = walk.next()
  while (step.done !== true) step = walk.next()
  if (step.value !== undefined) throw new Error(`the index to write has a fault: ${step.value}`)
  return index
}

/** Bytes behind their length in LEB128. */
function section(...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const varint: number[] = []
  for (let rest = length; ; rest = Math.floor(rest / 0x80)) {
    if (rest < 0x80) {
      varint.push(rest)
      return Buffer.concat([Buffer.from(varint), ...parts])
    }
    varint.push((rest % 0x80) | 0x80)
  }
}
