import { type MstNode, encodeMstNode, nodeLink } from './mst-node.ts'

/** A subtree not read yet: what the nodes above say of its keys and layer (null for the top). */
export type Stub = { link: string; above: string; below: string | null; layer: number | null }

/** A node read or made; `link` is null once it differs from any block. */
export type Node = {
  link: string | null
  layer: number
  keys: string[]
  values: string[]
  kids: Kid[]
}

/** What stands between two keys. */
export type Kid = Stub | Node | null

/** What the nodes above a subtree and its own node disagree about. */
export function faultOf(node: MstNode, { above, below, layer }: Stub): string | undefined {
  const [first] = node.keys
  if (layer !== null && layer < 0) return 'below the lowest layer'
  if (first === undefined) {
    // Only a whole tree may be empty; a node of links alone stands between layers, never on top.
    return (layer === null) === (node.kids[0] === null) ? undefined : 'a node without keys'
  }
  if (layer !== null && node.layer !== layer) return 'on the wrong layer'
  if (layer !== null && first <= above) return 'a key before its place'
  return below !== null && (node.keys.at(-1) ?? '') >= below ? 'a key after its place' : undefined
}

/** The node of a subtree, its own subtrees not read yet. */
export function nodeOf({ keys, values, kids, ...node }: MstNode, stub: Stub): Node {
  const layer = node.layer ?? stub.layer ?? 0
  const stubs = kids.map((link, index) => {
    if (link === null) return null
    const above = keys[index - 1] ?? stub.above
    return { link, above, below: keys[index] ?? stub.below, layer: layer - 1 }
  })
  return { link: stub.link, layer, keys, values, kids: stubs }
}

/** The subtree under as many nodes of links alone as bring it up to a layer. */
export function raise(node: Node | null, layer: number): Node | null {
  if (node === null) return null
  let top = node
  while (top.layer < layer) {
    top = { link: null, layer: top.layer + 1, keys: [], values: [], kids: [top] }
  }
  return top
}

/** Whether a node holds nothing at all. */
export function isVoid(node: Node): boolean {
  return node.keys.length === 0 && node.kids[0] === null
}

/** Index of the first key that is not before `key`. */
export function placeOf(key: string, keys: readonly string[]): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The `cidKey` of a subtree as it is now; null when there is none. */
export function linkOfKid(kid: Kid): string | null {
  if (kid === null || kid.link !== null || 'above' in kid) return kid?.link ?? null
  const { keys, values, kids } = kid
  kid.link = nodeLink(encodeMstNode({ keys, values, kids: kids.map(linkOfKid) }))
  return kid.link
}
