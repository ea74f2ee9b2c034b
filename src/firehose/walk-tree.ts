import { type MstNode, linkOf, parseMstNode } from './mst-node.ts'
import { type Refusal, refuse } from './refusal.ts'

/** A key of a tree and the `cidKey` of its record. */
export type TreeEntry = { readonly key: string; readonly value: string }

const DEPTH_MAX = 128

/** Nodes by `cidKey`, and how many different blocks there are at most. */
type Blocks = { get(link: string): Uint8Array | undefined; readonly blocks: number }

/** A subtree that is open: its keys lie between `low` and `high`, both excluded. */
type Open = {
  node: MstNode
  low: string
  high: string | undefined
  /** layer that the nodes below have to be on; null when no key has told it yet */
  below: number | null
  at: number
}

/**
 * Yields the entries of a tree whose keys begin with `prefix`, ascending; subtrees that cannot hold
 * one are left out. Every node visited is checked: its place in the order, and its layer. Returns
 * what is wrong with the tree, at the first such place.
 */
export function* walkTree(
  blocks: Blocks,
  root: string,
  prefix: string,
): Generator<TreeEntry, Refusal | undefined> {
  const end = prefix === '' ? undefined : after(prefix)
  const top = openNode(blocks, root, { low: '', high: undefined, layer: null, isRoot: true })
  if ('ok' in top) return top
  const open: Open[] = [top]
  // A tree has each node once: more visits than blocks mean that some are used twice.
  let visits = 1
  while (open.length > 0) {
    const here = open.at(-1)!
    const { node, at } = here
    if (at > node.keys.length * 2) {
      open.pop()
      continue
    }
    here.at += 1
    const index = at >> 1
    if (at % 2 === 1) {
      const key = node.keys[index]!
      if (key.startsWith(prefix)) yield { key, value: node.values[index]! }
      continue
    }
    const kid = node.kids[index]
    const low = node.keys[index - 1] ?? here.low
    const high = node.keys[index] ?? here.high
    const outside = (high !== undefined && high <= prefix) || (end !== undefined && low >= end)
    if (kid == null || outside) continue
    visits += 1
    if (visits > blocks.blocks || open.length >= DEPTH_MAX) return refuse('BadTree', 'no tree')
    const next = openNode(blocks, kid, { low, high, layer: here.below, isRoot: false })
    if ('ok' in next) return next
    open.push(next)
  }
  return undefined
}

function openNode(
  blocks: Blocks,
  link: string,
  place: { low: string; high: string | undefined; layer: number | null; isRoot: boolean },
): Open | Refusal {
  const { low, high, layer, isRoot } = place
  const block = blocks.get(link)
  if (block === undefined) return refuse('MissingTreeNode', linkOf(link).$link)
  const node = parseMstNode(block)
  if (node === undefined) return refuse('BadTree', linkOf(link).$link)
  const [first] = node.keys
  const last = node.keys.at(-1)
  if (first === undefined && node.kids[0] === null && !isRoot) return refuse('BadTree', 'empty')
  const between = (first ?? high ?? low) >= low && (high === undefined || (last ?? low) < high)
  if (!between || first === low) return refuse('BadTree', `${first} is out of order`)
  const own = node.layer ?? layer
  if (layer !== null && own !== layer) return refuse('BadTree', `${first} is on a wrong layer`)
  if (own !== null && own < 0) return refuse('BadTree', 'below the lowest layer')
  return { node, low, high, below: own === null ? null : own - 1, at: 0 }
}

/** The least text that is greater than all that begin with `prefix`. */
function after(prefix: string): string {
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}
