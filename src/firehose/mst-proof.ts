import { type CidLinkWrapper } from '@atcute/cbor'
import { type Blocks, cidKey } from './car.ts'
import { type MstNode, readMstNode } from './mst-node.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Looks keys up in a tree of which only some nodes are at hand. */
export type TreeProof = {
  /** The value under a key, null when the tree proves that there is none. */
  find(key: string): { ok: true; cid: CidLinkWrapper | null } | Refusal
}

/** What the nodes above say of a subtree: its keys lie between, its nodes on this layer. */
type Bounds = { above: string; below: string | null; layer: number | null }

const LAYERS = 128

/**
 * Reads the tree under `root` from the blocks of a CAR slice. Both inclusion and absence are proved
 * by the nodes on the way; a node that is needed and missing makes it `MissingTreeNode`, one that
 * breaks order, bounds or layers `BadTree`. Nodes are read once for all keys.
 */
export function openTreeProof(root: CidLinkWrapper, blocks: Blocks): TreeProof {
  const nodes = new Map<string, MstNode | undefined>()

  function load(link: CidLinkWrapper): MstNode | Refusal {
    const key = cidKey(link.bytes)
    if (!nodes.has(key)) {
      const block = blocks.get(key)
      if (block === undefined) return refuse('MissingTreeNode', link.$link)
      nodes.set(key, readMstNode(block))
    }
    return nodes.get(key) ?? refuse('BadTree', `${link.$link} is not a node`)
  }

  return {
    find(key) {
      let bounds: Bounds = { above: '', below: null, layer: null }
      let link = root
      // Each step goes down a layer, so the first node's layer bounds the way.
      for (let step = 0; step <= LAYERS; step += 1) {
        const node = load(link)
        if ('ok' in node) return node
        const fault = faultOf(node, bounds)
        if (fault !== undefined) return refuse('BadTree', `${link.$link}: ${fault}`)
        const index = node.entries.findIndex((entry) => entry.key >= key)
        const at = index === -1 ? node.entries.length : index
        const found = node.entries[at]
        if (found?.key === key) return { ok: true, cid: found.value }
        const next = at === 0 ? node.left : node.entries[at - 1]?.right
        if (!next) return { ok: true, cid: null }
        bounds = {
          above: node.entries[at - 1]?.key ?? bounds.above,
          below: found?.key ?? bounds.below,
          layer: (node.layer ?? bounds.layer ?? 0) - 1,
        }
        link = next
      }
      return refuse('BadTree', 'too deep')
    },
  }
}

function faultOf(node: MstNode, bounds: Bounds): string | undefined {
  const isRoot = bounds.layer === null
  const [first] = node.entries
  if (first === undefined) {
    // Only a whole tree may be empty; a node of links alone stands between layers, never on top.
    return isRoot === (node.left === null) ? undefined : 'a node without keys'
  }
  if (bounds.layer !== null && node.layer !== bounds.layer) return 'on the wrong layer'
  const last = node.entries.at(-1)?.key ?? ''
  if (!isRoot && first.key <= bounds.above) return 'a key before its place'
  return bounds.below !== null && last >= bounds.below ? 'a key after its place' : undefined
}
