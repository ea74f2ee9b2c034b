import { createHash } from 'node:crypto'
import { CidLinkWrapper, encode, toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { cidKey, readCarSlice } from './car.ts'
import { layerOf } from './mst-node.ts'
import { openTreeProof } from './mst-proof.ts'

const value = cidOf(encode({}))
const bottom = keysOn(0, 30)
const top = keysOn(1, 10)

test('keys are found in the node above and those below, and others are proved absent', () => {
  const { tree, keys } = twoLayers()
  for (const key of keys) expect(find(tree, key)).toEqual({ ok: true, cid: value })
  for (const key of [`${keys[0]}x`, `${keys[1]}x`, 'a.b.c/before', 'z.z.z/after']) {
    expect(find(tree, key)).toEqual({ ok: true, cid: null })
  }
})

test('an empty tree proves that there is nothing', () => {
  expect(find([nodeOf([])], bottom[0] ?? '')).toEqual({ ok: true, cid: null })
})

test('a subtree with a key outside its place is refused', () => {
  const [left, middle, right] = twoLayers().keys
  const outside = nodeOf([entryOf(right)])
  const tree = [nodeOf([entryOf(middle)], outside), outside]
  expect(find(tree, left)).toMatchObject({ reason: 'BadTree' })
  const before = nodeOf([entryOf(left)])
  const other = [nodeOf([entryOf(middle, before)]), before]
  expect(find(other, right)).toMatchObject({ reason: 'BadTree' })
})

test('a subtree on the layer of the node above it is refused', () => {
  const [first = '', second = ''] = top.toSorted()
  const child = nodeOf([entryOf(first)])
  expect(find([nodeOf([entryOf(second)], child), child], first)).toMatchObject({
    reason: 'BadTree',
  })
})

test('a subtree below the lowest layer is refused', () => {
  const [first = '', second = ''] = bottom.toSorted()
  const child = nodeOf([entryOf(first)])
  expect(find([nodeOf([entryOf(second)], child), child], first)).toMatchObject({
    reason: 'BadTree',
  })
})

test('a root of links alone and an empty subtree are refused', () => {
  const [left, middle] = twoLayers().keys
  const child = nodeOf([entryOf(left)])
  expect(find([nodeOf([], child), child], left)).toMatchObject({ reason: 'BadTree' })
  const empty = nodeOf([])
  expect(find([nodeOf([entryOf(middle)], empty), empty], left)).toMatchObject({ reason: 'BadTree' })
})

test('a node that leads to itself is not followed for ever', () => {
  // A real one would need a hash collision; the map of blocks stands in for it.
  const self = cidOf(encode('self'))
  const link = encode({ l: self, e: [] })
  const [, middle] = twoLayers().keys
  const root = nodeOf([{ p: 0, k: toBytes(Buffer.from(middle)), v: value, t: self }])
  const blocks = new Map([
    [cidKey(root.cid.bytes), root.bytes],
    [cidKey(self.bytes), link],
  ])
  expect(openTreeProof(root.cid, blocks).find('z.z.z/after')).toMatchObject({ reason: 'BadTree' })
})

test('a long header of a CAR is refused before it is decoded', () => {
  const bomb = Buffer.concat([Buffer.from([0xff, 0x7f]), Buffer.alloc(16_383, 0x81)])
  expect(readCarSlice(bomb)).toMatchObject({ reason: 'BadCar', detail: 'header too long' })
})

type Block = { cid: CidLinkWrapper; bytes: Uint8Array }
type Entry = { p: number; k: object; v: CidLinkWrapper; t: CidLinkWrapper | null }

function find([root, ...others]: Block[], key: string) {
  if (root === undefined) throw new Error('no tree')
  const blocks = new Map([root, ...others].map(({ cid, bytes }) => [cidKey(cid.bytes), bytes]))
  return openTreeProof(root.cid, blocks).find(key)
}

/** A key on the higher layer between two on the lower one. */
function twoLayers(): { tree: Block[]; keys: [string, string, string] } {
  const middle = top.find(
    (key) => bottom.some((low) => low < key) && bottom.some((low) => low > key),
  )
  const left = bottom.find((key) => key < (middle ?? ''))
  const right = bottom.find((key) => key > (middle ?? ''))
  if (!left || !middle || !right) throw new Error('no such keys')
  const before = nodeOf([entryOf(left)])
  const after = nodeOf([entryOf(right)])
  return {
    tree: [nodeOf([entryOf(middle, after)], before), before, after],
    keys: [left, middle, right],
  }
}

function nodeOf(entries: Entry[], left?: Block): Block {
  const bytes = encode({ l: left?.cid ?? null, e: entries })
  return { cid: cidOf(bytes), bytes }
}

function entryOf(key: string, right?: Block): Entry {
  return { p: 0, k: toBytes(Buffer.from(key)), v: value, t: right?.cid ?? null }
}

function keysOn(layer: number, count: number): string[] {
  const keys: string[] = []
  for (let index = 0; keys.length < count; index += 1) {
    const key = `co.kendev.test/${(index * 7919) % 1000}`
    if (layerOf(key) === layer) keys.push(key)
  }
  return keys
}

function cidOf(bytes: Uint8Array): CidLinkWrapper {
  const digest = createHash('sha256').update(bytes).digest()
  return new CidLinkWrapper(Uint8Array.of(1, 0x71, 0x12, 32, ...digest))
}
