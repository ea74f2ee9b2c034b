import { type Blocks } from './car.ts'
import { EMPTY_TREE, layerOf, linkOf, parseMstNode } from './mst-node.ts'
import {
  type Kid,
  type Node,
  type Stub,
  faultOf,
  isVoid,
  linkOfKid,
  nodeOf,
  placeOf,
  raise,
} from './mst-subtree.ts'
import { type Refusal, type RefusalReason, refuse } from './refusal.ts'

/**
 * A Merkle search tree of which only some blocks are at hand; subtrees that nothing touches stay
 * links. What is read is checked against the nodes above it. The first block that is missing
 * (`MissingTreeNode`) or wrong (`BadTree`) is kept as `fault`, and all answers after it are void.
 */
export class PartialTree {
  readonly #blocks: Blocks
  #top: Kid
  #fault: Refusal | undefined

  /** `root` is the `cidKey` of the top node. */
  constructor(root: string, blocks: Blocks) {
    this.#blocks = blocks
    this.#top = { link: root, above: '', below: null, layer: null }
  }

  /** What is wrong with the tree, as far as it has been read. */
  get fault(): Refusal | undefined {
    return this.#fault
  }

  /** The value under a key, null when the tree proves that there is none. */
  find(key: string): string | null {
    for (let node = this.#root(); node !== null;) {
      const at = placeOf(key, node.keys)
      if (node.keys[at] === key) return node.values[at] ?? null
      node = this.#enter(node, at)
    }
    return null
  }

  /** Visits every key in order with its value, and the whole tree with them; ends early, with
   *  `fault` set, at the first block that is missing or wrong. Keeps none of what it reads. */
  walk(visit: (key: string, value: string) => void): void {
    const walkFrom = ({ keys, values, kids }: Node): void => {
      for (const [at, kid] of kids.entries()) {
        const inner = this.#open(kid)
        if (inner !== null) walkFrom(inner)
        const key = keys[at]
        if (this.#fault !== undefined || key === undefined) return
        visit(key, values[at] ?? '')
      }
    }
    const root = this.#root()
    if (root !== null) walkFrom(root)
  }

  /** Links of the nodes that lead to a key, or to where it would be, from the top. */
  wayTo(key: string): string[] {
    const way: string[] = []
    for (let node = this.#root(); node !== null;) {
      if (node.link !== null) way.push(node.link)
      const at = placeOf(key, node.keys)
      if (node.keys[at] === key) break
      node = this.#enter(node, at)
    }
    return way
  }

  /** Gives a key another value and returns the one it had; null and no change when it is absent. */
  replace(key: string, value: string): string | null {
    const path: Node[] = []
    for (let node = this.#root(); node !== null;) {
      path.push(node)
      const at = placeOf(key, node.keys)
      const old = node.keys[at] === key ? (node.values[at] ?? null) : null
      if (old !== null) {
        node.values[at] = value
        for (const changed of path) changed.link = null
        return old
      }
      node = this.#enter(node, at)
    }
    return null
  }

  /** Removes a key and returns its value; null and no change when it is absent. */
  remove(key: string): string | null {
    const root = this.#root()
    const value = root && this.#removeFrom(root, key)
    // The top node has keys, or the tree has none at all.
    for (let node = root; node?.keys.length === 0;) {
      node = this.#open(node.kids[0] ?? null)
      this.#top = node
    }
    return value
  }

  /** Adds a key; false and no change when it is there. */
  add(key: string, value: string): boolean {
    const layer = layerOf(key)
    const root = this.#root()
    if (root !== null && layer <= root.layer) return this.#addTo(root, { key, value, layer })
    const halves = this.#split(root, key)
    const kids = halves.map((half) => raise(half, layer - 1))
    this.#top = { link: null, layer, keys: [key], values: [value], kids }
    return true
  }

  /** The `cidKey` of the top node as the tree is now. */
  link(): string {
    return linkOfKid(this.#top) ?? EMPTY_TREE
  }

  #root(): Node | null {
    const root = this.#open(this.#top)
    const isEmpty = root?.keys.length === 0
    this.#top = isEmpty ? null : root
    return isEmpty ? null : root
  }

  #removeFrom(node: Node, key: string): string | null {
    const at = placeOf(key, node.keys)
    const found = node.keys[at] === key ? (node.values[at] ?? null) : null
    if (found !== null) {
      const merged = this.#merge(node.kids[at] ?? null, node.kids[at + 1] ?? null)
      node.keys.splice(at, 1)
      node.values.splice(at, 1)
      node.kids.splice(at, 2, merged)
      node.link = null
      return found
    }
    const kid = this.#enter(node, at)
    const value = kid && this.#removeFrom(kid, key)
    if (kid === null || value === null) return null
    node.link = null
    if (isVoid(kid)) node.kids[at] = null
    return value
  }

  #addTo(node: Node, entry: { key: string; value: string; layer: number }): boolean {
    const at = placeOf(entry.key, node.keys)
    if (node.keys[at] === entry.key) return false
    const kid = this.#enter(node, at)
    if (node.layer === entry.layer) {
      node.kids.splice(at, 1, ...this.#split(kid, entry.key))
      node.keys.splice(at, 0, entry.key)
      node.values.splice(at, 0, entry.value)
    } else if (kid === null) {
      const { key, value, layer } = entry
      const made = { link: null, layer, keys: [key], values: [value], kids: [null, null] }
      node.kids[at] = raise(made, node.layer - 1)
    } else if (!this.#addTo(kid, entry)) return false
    node.link = null
    return true
  }

  /** One subtree of two neighbours between which a key has gone. */
  #merge(left: Kid, right: Kid): Kid {
    if (left === null || right === null) return left ?? right
    const [one, other] = [this.#open(left), this.#open(right)]
    if (one === null || other === null) return one ?? other
    const middle = this.#merge(one.kids.at(-1) ?? null, other.kids[0] ?? null)
    return {
      link: null,
      layer: one.layer,
      keys: [...one.keys, ...other.keys],
      values: [...one.values, ...other.values],
      kids: [...one.kids.slice(0, -1), middle, ...other.kids.slice(1)],
    }
  }

  /** The parts of a subtree before and after a key that it does not hold. */
  #split(node: Node | null, key: string): [Node | null, Node | null] {
    if (node === null) return [null, null]
    const at = placeOf(key, node.keys)
    const [before, after] = this.#split(this.#enter(node, at), key)
    const { layer, keys, values, kids } = node
    if (at === 0 && before === null) return [null, node]
    if (at === keys.length && after === null) return [node, null]
    const part = (from: number, to: number) => {
      return { link: null, layer, keys: keys.slice(from, to), values: values.slice(from, to) }
    }
    return [
      { ...part(0, at), kids: [...kids.slice(0, at), before] },
      { ...part(at, keys.length), kids: [after, ...kids.slice(at + 1)] },
    ]
  }

  #enter(node: Node, at: number): Node | null {
    const kid = this.#open(node.kids[at] ?? null)
    node.kids[at] = kid
    return kid
  }

  #open(kid: Kid): Node | null {
    if (kid === null || !('above' in kid)) return kid
    const block = this.#blocks.get(kid.link)
    if (block === undefined) return this.#fail('MissingTreeNode', kid)
    const node = parseMstNode(block)
    if (node === undefined) return this.#fail('BadTree', kid, 'not a node')
    const fault = faultOf(node, kid)
    return fault === undefined ? nodeOf(node, kid) : this.#fail('BadTree', kid, fault)
  }

  #fail(reason: RefusalReason, { link }: Stub, why = 'not in the blocks'): null {
    this.#fault ??= refuse(reason, `${linkOf(link).$link}: ${why}`)
    return null
  }
}
