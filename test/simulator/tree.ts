import { hash } from 'node:crypto'
import { CidLinkWrapper, encode, toBytes } from '@atcute/cbor'

/** A block with its CID, also as text. */
export type Block = { cid: CidLinkWrapper; link: string; bytes: Uint8Array }

/** A Merkle search tree over all records of a repo, with all its nodes. */
export type Tree = {
  root: CidLinkWrapper
  /** by CID as text */
  nodes: ReadonlyMap<string, Block>
  /** The nodes on the way to where a key is or would be. */
  path(key: string): Block[]
  /** what a later tree is built upon */
  readonly parts: Parts
}

type Entry = { key: string; value: CidLinkWrapper; layer: number }
type Node = {
  block: Block
  keys: { key: string; right: Node | null }[]
  left: Node | null
  entries: readonly Entry[]
}
type Parts = { entries: ReadonlyMap<string, Entry>; nodes: ReadonlyMap<string, Node> }

/** CIDv1 of DAG-CBOR with 32 bytes of SHA-256. */
const CID_HEAD = Buffer.from([1, 0x71, 0x12, 32])

const layers = new Map<string, number>()

/** Builds the tree of all records by path, made apart from the code it tests; where nothing has
 *  changed since `previous`, its nodes are used again. */
export function buildTree(records: ReadonlyMap<string, Block>, previous?: Tree): Tree {
  const entries: Entry[] = []
  for (const [key, { cid }] of records) {
    const known = previous?.parts.entries.get(key)
    entries.push(known?.value === cid ? known : { key, value: cid, layer: layerIn(key) })
  }
  entries.sort((a, b) => (a.key < b.key ? -1 : 1))
  const nodes = new Map<string, Node>()
  const top = entries.reduce((most, { layer }) => Math.max(most, layer), 0)
  const root = nodeOn(top, entries, { nodes, known: previous?.parts.nodes })
  return {
    root: root.block.cid,
    nodes: new Map([...nodes.values()].map(({ block }) => [block.link, block])),
    path: (key) => pathTo(root, key),
    parts: { entries: new Map(entries.map((entry) => [entry.key, entry])), nodes },
  }
}

type Making = { nodes: Map<string, Node>; known: ReadonlyMap<string, Node> | undefined }

function nodeOn(layer: number, entries: readonly Entry[], making: Making): Node {
  const name = `${layer} ${entries[0]?.key}`
  const known = making.known?.get(name)
  const node = known && isSame(known.entries, entries) ? known : madeOn(layer, entries, making)
  making.nodes.set(name, node)
  if (node === known) for (const child of childrenOf(node)) nodeOn(layer - 1, child.entries, making)
  return node
}

function madeOn(layer: number, entries: readonly Entry[], making: Making): Node {
  const at = entries.flatMap((entry, index) => (entry.layer === layer ? [index] : []))
  const below = (from: number, to: number): Node | null =>
    to > from ? nodeOn(layer - 1, entries.slice(from, to), making) : null
  const left = below(0, at[0] ?? entries.length)
  let last = ''
  const keys: Node['keys'] = []
  const list = at.map((index, n) => {
    const { key, value } = entries[index]!
    const right = below(index + 1, at[n + 1] ?? entries.length)
    keys.push({ key, right })
    const prefix = sharedPrefix(last, key)
    last = key
    const rest = toBytes(Buffer.from(key.slice(prefix)))
    return { p: prefix, k: rest, v: value, t: right?.block.cid ?? null }
  })
  return { block: blockOf({ l: left?.block.cid ?? null, e: list }), keys, left, entries }
}

function childrenOf({ left, keys }: Node): Node[] {
  return [left, ...keys.map(({ right }) => right)].filter((node) => node !== null)
}

function isSame(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, n) => entry === b[n])
}

function pathTo(root: Node, key: string): Block[] {
  const way: Block[] = []
  let node: Node | null = root
  while (node !== null) {
    way.push(node.block)
    const before: Node['keys'][number] | undefined = node.keys.findLast((at) => at.key <= key)
    if (before?.key === key) break
    node = before === undefined ? node.left : before.right
  }
  return way
}

/** The block of a value. */
export function blockOf(value: unknown): Block {
  const bytes = encode(value)
  const cid = cidOf(bytes)
  return { cid, link: cid.$link, bytes }
}

/** The CID of a block as text. */
export function linkOf(bytes: Uint8Array): string {
  return cidOf(bytes).$link
}

function cidOf(bytes: Uint8Array): CidLinkWrapper {
  return new CidLinkWrapper(Buffer.concat([CID_HEAD, hash('sha256', bytes, 'buffer')]))
}

/** A CARv1 of these blocks; made by hand because it is made a hundred times a second. */
export function carBytes(root: CidLinkWrapper, blocks: Iterable<Block>): Uint8Array {
  const header = encode({ roots: [root], version: 1 })
  const parts: Uint8Array[] = [varint(header.length), header]
  for (const { cid, bytes } of blocks) {
    parts.push(varint(cid.bytes.length + bytes.length), cid.bytes, bytes)
  }
  return Buffer.concat(parts)
}

/** Digits of a hash, for keys that are the same in every run. */
export function digest(text: string): Uint8Array {
  return hash('sha256', text, 'buffer')
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Uint8Array.from([...bytes, value])
}

function sharedPrefix(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

function layerIn(key: string): number {
  const known = layers.get(key)
  if (known !== undefined) return known
  let zeros = 0
  for (const byte of digest(key)) {
    zeros += byte === 0 ? 8 : Math.clz32(byte) - 24
    if (byte !== 0) break
  }
  const layer = Math.floor(zeros / 2)
  if (layers.size > 100_000) layers.clear()
  layers.set(key, layer)
  return layer
}
