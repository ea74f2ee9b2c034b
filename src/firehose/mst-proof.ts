import { type CidLinkWrapper } from '@atcute/cbor'
import { type Blocks, cidKey } from './car.ts'
import { linkOf } from './mst-node.ts'
import { PartialTree } from './mst-tree.ts'
import { type Refusal } from './refusal.ts'

/** Looks keys up in a tree of which only some nodes are at hand. */
export type TreeProof = {
  /** The value under a key, null when the tree proves that there is none. */
  find(key: string): { ok: true; cid: CidLinkWrapper | null } | Refusal
}

/**
 * Reads the tree under `root` from the blocks of a CAR slice. Both inclusion and absence are proved
 * by the nodes on the way; a node that is needed and missing makes it `MissingTreeNode`, one that
 * breaks order, bounds or layers `BadTree`, for this key and all after it.
 */
export function openTreeProof(root: CidLinkWrapper, blocks: Blocks): TreeProof {
  const tree = new PartialTree(cidKey(root.bytes), blocks)
  return {
    find(key) {
      const value = tree.find(key)
      return tree.fault ?? { ok: true, cid: value === null ? null : linkOf(value) }
    },
  }
}
