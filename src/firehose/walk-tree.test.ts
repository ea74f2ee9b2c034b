import { parseCid } from '@atproto/lex'
import { MST, MemoryBlockstore } from '@atproto/repo'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cidKey } from './car.ts'
import { EMPTY_TREE, encodeMstNode, layerOf, linkOf, nodeLink } from './mst-node.ts'
import { walkTree } from './walk-tree.ts'

const collections = ['app.example.post', 'co.kendev', 'co.kendev.a.note', 'co.kendev.z', 'co.kf.b']
const path = fc.tuple(fc.constantFrom(...collections), fc.nat(400)).map((at) => at.join('/k'))
const paths = fc.uniqueArray(path, { maxLength: 150, size: 'max' })
const prefix = fc.constantFrom('co.kendev.', 'co.kendev.a.', '', 'zz.')

/** The nodes of a tree with these keys by `cidKey`, made by the reference library. */
async function treeOf(keys: readonly string[]) {
  let tree = await MST.create(new MemoryBlockstore())
  for (const key of keys) {
    const value = linkOf(nodeLink(Buffer.from(key)))
    tree = await tree.add(key, parseCid(value.$link))
  }
  const { root, blocks } = await tree.getUnstoredBlocks()
  const nodes = new Map(blocks.entries().map(({ cid, bytes }) => [cidKey(cid.bytes), bytes]))
  return { root: cidKey(root.bytes), nodes }
}

/** The keys found, the nodes read, and what is wrong. */
function walk(nodes: ReadonlyMap<string, Uint8Array>, root: string, of: string) {
  const read = new Set<string>()
  const get = (link: string) => {
    read.add(link)
    return nodes.get(link)
  }
  const entries = walkTree({ get, blocks: nodes.size }, root, of)
  const keys: string[] = []
  for (;;) {
    const { done, value } = entries.next()
    if (done === true) return { keys, read, fault: value }
    expect(value.value).toBe(nodeLink(Buffer.from(value.key)))
    keys.push(value.key)
  }
}

test('every key with the prefix is found in order, and no subtree without one is needed', async () => {
  await fc.assert(
    fc.asyncProperty(paths, prefix, async (keys, of) => {
      const { root, nodes } = await treeOf(keys)
      const found = walk(nodes, root, of)
      expect(found.fault).toBeUndefined()
      expect(found.keys).toEqual(keys.filter((key) => key.startsWith(of)).toSorted())
      const needed = new Map([...nodes].filter(([link]) => found.read.has(link)))
      expect(walk(needed, root, of)).toEqual(found)
    }),
    { numRuns: 100 },
  )
})

test('a tree of one collection among many is read in part only', async () => {
  const others = Array.from({ length: 3_000 }, (_, n) => `app.example.post/k${n}`)
  const { root, nodes } = await treeOf([...others, 'co.kendev.a.note/k1'])
  const { keys, read } = walk(nodes, root, 'co.kendev.')
  expect(keys).toEqual(['co.kendev.a.note/k1'])
  expect(read.size).toBeLessThan(20)
  expect(nodes.size).toBeGreaterThan(500)
})

test('a node that is needed and missing is named', async () => {
  const keys = Array.from({ length: 300 }, (_, n) => `co.kendev.a.note/k${n}`)
  const { root, nodes } = await treeOf(keys)
  for (const link of [...nodes.keys()].slice(0, 40)) {
    const rest = new Map([...nodes].filter(([other]) => other !== link))
    const { fault } = walk(rest, root, '')
    expect(fault).toMatchObject({ reason: 'MissingTreeNode', detail: linkOf(link).$link })
  }
})

const value = nodeLink(Buffer.from('value'))
const made = new Map([[EMPTY_TREE, encodeMstNode({ keys: [], values: [], kids: [null] })]])

/** A node with one key, and a kid before and after it. */
function node(key: string, before: string | null, after: string | null): string {
  const block = encodeMstNode({ keys: [key], values: [value], kids: [before, after] })
  made.set(nodeLink(block), block)
  return nodeLink(block)
}

/** A key on a layer, below or above another. */
function key(layer: number, fits: (key: string) => boolean = () => true): string {
  const all = Array.from({ length: 2_000 }, (_, n) => `co.kendev.a.note/${n * 7919}`)
  return all.find((each) => layerOf(each) === layer && fits(each))!
}

const middle = key(1, (k) => k > 'co.kendev.a.note/5')
const below = node(
  key(0, (k) => k < middle),
  null,
  null,
)
const above = node(
  key(0, (k) => k > middle),
  null,
  null,
)
const high = key(2)
const far = node(
  key(0, (k) => k < high),
  null,
  null,
)

test.each([
  ['nothing wrong with it', node(middle, below, above), undefined],
  ['a key below the one it should be above', node(middle, null, below), /out of order/],
  ['a key above the one it should be below', node(middle, above, null), /out of order/],
  ['an empty node', node(middle, EMPTY_TREE, null), /empty/],
  ['a layer left out', node(high, far, null), /wrong layer/],
  ['a node that is none', node(middle, value, null), /^bafy/],
])('a tree with %s is told from others', (_, root, detail) => {
  made.set(value, Buffer.from('value'))
  const entries = walkTree({ get: (link) => made.get(link), blocks: made.size }, root, '')
  let step = entries.next()
  while (step.done !== true) step = entries.next()
  if (detail === undefined) expect(step.value).toBeUndefined()
  else
    expect(step.value).toMatchObject({ reason: 'BadTree', detail: expect.stringMatching(detail) })
})
