import { CidLinkWrapper } from '@atcute/cbor'
import { BlockMap, MST, MemoryBlockstore } from '@atproto/repo'
import { parseCid } from '@atproto/lex'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cidKey } from './car.ts'
import { type OpMessage } from './message.ts'
import { invertOps } from './mst-invert.ts'
import { EMPTY_TREE, encodeMstNode, layerOf, linkOf, nodeLink, parseMstNode } from './mst-node.ts'

/** An eighth of the keys lie above layer 2, where only one of 64 would by chance. */
const pool = keyPool(400)
const values = Array.from({ length: 5 }, (_, n) => nodeLink(Buffer.from(`value ${n}`)))

/** Which keys are there, and what becomes of some: a value for each, where a delete has none. */
const change = fc.oneof(changeOf(300, 200, 1), changeOf(12, 8, 16))

test('what the reference library does, undone gives the tree before', async () => {
  await fc.assert(
    fc.asyncProperty(change, async (seeds) => {
      const made = await apply(seeds)
      expect(invertOps(made)).toBeUndefined()
      expect(invertOps({ ...made, ops: made.ops.toReversed() })).toBeUndefined()
    }),
    { numRuns: 60, examples: [[{ before: [0], touched: [0, 64], deletes: always(true) }]] },
  )
})

test('operations left out, added or changed do not give the tree before', async () => {
  await fc.assert(
    fc.asyncProperty(change, fc.nat(), async (seeds, at) => {
      const made = await apply(seeds)
      const { ops } = made
      const op = ops[at % ops.length]!
      const others = ops.filter((other) => other !== op)
      const other = pool.find((key) => !ops.some(({ path }) => path === key))!
      const lies: OpMessage[][] = [
        [...others, { ...op, action: 'create', cid: linkOf(values[4]!), prev: null }],
        [...ops, { action: 'create', path: other, cid: linkOf(values[0]!), prev: null }],
        [...ops, { action: 'delete', path: other, cid: null, prev: linkOf(values[4]!) }],
      ]
      if (op.prev !== null) lies.push([...others, { ...op, prev: linkOf(values[4]!) }])
      // An update to the same value changes nothing: without it nothing is missing, and it may be
      // true of any record.
      if (op.cid?.$link !== op.prev?.$link) lies.push(others, [...ops, { ...op, path: other }])
      for (const lie of lies) expect(invertOps({ ...made, ops: lie })).toMatchObject({ ok: false })
    }),
    { numRuns: 30 },
  )
})

test('without some blocks the change is proved or called incomplete', async () => {
  await fc.assert(
    fc.asyncProperty(change, fc.infiniteStream(fc.boolean()), async (seeds, kept) => {
      const made = await apply(seeds)
      const blocks = new Map([...made.blocks].filter(() => kept.next().value))
      const verdict = invertOps({ ...made, blocks })
      if (verdict !== undefined) expect(verdict.reason).toBe('MissingTreeNode')
    }),
    { numRuns: 30 },
  )
})

test('another tree before, and none before, are told apart from the true one', async () => {
  const streams = { deletes: always(false) }
  const made = await apply({ before: [1, 2, 3], touched: [4, 5], ...streams })
  expect(invertOps({ ...made, prevData: made.data })).toMatchObject({ reason: 'BadInversion' })
  expect(invertOps({ ...made, prevData: null })).toMatchObject({ reason: 'BadInversion' })
  const first = await apply({ before: [], touched: [4, 5], ...streams })
  expect(first.prevData.$link).toBe(linkOf(EMPTY_TREE).$link)
  expect(invertOps({ ...first, prevData: null })).toBeUndefined()
  const all = { ...made, ops: [], prevData: made.data }
  expect(invertOps(all)).toBeUndefined()
  expect(invertOps({ ...all, prevData: null })).toMatchObject({ reason: 'BadInversion' })
})

test('the blocks of the reference library are read and written byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(change, async (seeds) => {
      for (const block of (await apply(seeds)).blocks.values()) {
        const node = parseMstNode(block)
        expect(node && Buffer.from(encodeMstNode(node))).toEqual(Buffer.from(block))
      }
    }),
    { numRuns: 5 },
  )
})

test('a node is read in the one way to write it or not at all', async () => {
  const block = encodeMstNode({
    keys: [pool[0]!, pool[1]!].toSorted(),
    values: [values[0]!, values[1]!],
    kids: [values[2]!, null, values[3]!],
  })
  expect(parseMstNode(block)).toBeDefined()
  for (let at = 0; at < block.length; at += 1) {
    expect(parseMstNode(block.subarray(0, at))).toBeUndefined()
    for (let bit = 0; bit < 8; bit += 1) {
      const changed = Uint8Array.from(block)
      changed[at] = block[at]! ^ (1 << bit)
      const node = parseMstNode(changed)
      if (node !== undefined) expect(Buffer.from(encodeMstNode(node)).equals(changed)).toBe(true)
    }
  }
})

/** Changes of so many keys, of which every `step`th of the pool is taken. */
function changeOf(before: number, touched: number, step: number): fc.Arbitrary<Seeds> {
  const place = fc.nat(pool.length / step - 1).map((n) => n * step)
  const some = (from: number, to: number) =>
    fc.uniqueArray(place, { minLength: from, maxLength: to, size: 'max' })
  const deletes = fc.infiniteStream(fc.boolean())
  return fc.record({ before: some(0, before), touched: some(1, touched), deletes })
}

function always(value: boolean): Iterator<boolean> {
  return fc.sample(fc.infiniteStream(fc.constant(value)), 1)[0]!
}

type Seeds = { before: number[]; touched: number[]; deletes: Iterator<boolean> }

/** What a commit of these changes says, with the covering proofs alone for blocks. */
async function apply({ before, touched, deletes }: Seeds) {
  const storage = new MemoryBlockstore()
  let prevData = await MST.create(storage)
  const held = new Map(before.map((index) => [pool[index]!, values[index % 3]!]))
  for (const [key, value] of held) prevData = await prevData.add(key, cidOf(value))
  const stored = await prevData.getUnstoredBlocks()
  await storage.putMany(stored.blocks)
  // A PDS reads the tree from its blocks. The one in memory still knows the layer of its top when
  // its last key is gone, and a lower key added then would stand under nodes without keys.
  let tree = MST.load(storage, stored.root)
  const ops: OpMessage[] = []
  for (const index of touched) {
    const path = pool[index]!
    const old = held.get(path)
    const isDelete = old !== undefined && deletes.next().value === true
    const value = values[(index + 1) % 4]!
    const action = isDelete ? 'delete' : old === undefined ? 'create' : 'update'
    if (isDelete) tree = await tree.delete(path)
    else if (old === undefined) tree = await tree.add(path, cidOf(value))
    else tree = await tree.update(path, cidOf(value))
    ops.push({ action, path, cid: isDelete ? null : linkOf(value), prev: old ? linkOf(old) : null })
  }
  const proof = new BlockMap()
  for (const { path } of ops) proof.addMap(await tree.getCoveringProof(path))
  const blocks = new Map(proof.entries().map(({ cid, bytes }) => [cidKey(cid.bytes), bytes]))
  return { data: await rootOf(tree), prevData: await rootOf(prevData), ops, blocks }
}

async function rootOf(tree: MST): Promise<CidLinkWrapper> {
  return new CidLinkWrapper(Uint8Array.from((await tree.getPointer()).bytes))
}

function cidOf(value: string) {
  return parseCid(linkOf(value).$link)
}

function keyPool(count: number): string[] {
  const keys: string[] = []
  for (let n = 0; keys.length < count; n += 1) {
    const key = `co.kendev.test/${n.toString(36)}`
    const isHigh = layerOf(key) > 2
    if (isHigh === keys.length < count / 8) keys.push(key)
  }
  return keys
}
