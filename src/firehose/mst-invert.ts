import { type CidLinkWrapper } from '@atcute/cbor'
import { type Blocks, cidKey } from './car.ts'
import { type OpMessage } from './message.ts'
import { EMPTY_TREE, linkOf } from './mst-node.ts'
import { PartialTree } from './mst-tree.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * Proves that the operations of a commit, each on a path of its own, are all that has changed since
 * the tree `prevData`: undone in the tree slice of the commit they give that root again, or with
 * null no record at all (https://atproto.com/specs/sync). Undefined when they do. Each one is
 * proved by itself on the way: what was written is in the tree, what was deleted is not.
 */
export function invertOps(change: {
  data: CidLinkWrapper
  prevData: CidLinkWrapper | null
  ops: readonly OpMessage[]
  blocks: Blocks
}): Refusal | undefined {
  const { data, prevData, ops, blocks } = change
  const tree = new PartialTree(cidKey(data.bytes), blocks)
  for (const op of ops) {
    const fault = undo(op, tree)
    if (tree.fault ?? fault) return tree.fault ?? fault
  }
  const before = tree.link()
  const wanted = prevData === null ? EMPTY_TREE : cidKey(prevData.bytes)
  if (before === wanted) return undefined
  return refuse('BadInversion', `undone, the tree is ${linkOf(before).$link}`)
}

/** What is wrong with an operation, once it is undone. */
function undo({ action, path, cid, prev }: OpMessage, tree: PartialTree): Refusal | undefined {
  const before = prev === null ? '' : cidKey(prev.bytes)
  if (action === 'delete') {
    return tree.add(path, before) ? undefined : refuse('DeletedRecordInTree', path)
  }
  const written = action === 'create' ? tree.remove(path) : tree.replace(path, before)
  return cid !== null && written === cidKey(cid.bytes) ? undefined : refuse('RecordNotInTree', path)
}
