import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativeCrypto } from '../crypto/native.ts'
import { isIncluded, merkleRoot, merkleTree } from './merkle.ts'

const sha256 = (...parts: Uint8Array[]) => hash('sha256', Buffer.concat(parts), 'buffer')
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))

/** RFC 6962 §2.1 as it is written there. */
function reference(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 0) return sha256()
  if (data.length === 1) return sha256(Uint8Array.of(0), data[0]!)
  const k = split(data.length)
  return sha256(Uint8Array.of(1), reference(data.slice(0, k)), reference(data.slice(k)))
}

/** RFC 6962 §2.1.1 as it is written there. */
function referencePath(at: number, data: readonly Uint8Array[]): Uint8Array[] {
  if (data.length === 1) return []
  const k = split(data.length)
  return at < k
    ? [...referencePath(at, data.slice(0, k)), reference(data.slice(k))]
    : [...referencePath(at - k, data.slice(k)), reference(data.slice(0, k))]
}

function split(count: number): number {
  let k = 1
  while (k * 2 < count) k *= 2
  return k
}

/** No two alike: of two leaves that are, each stands at the other's place as well. */
const lists = fc.uniqueArray(fc.uint8Array({ maxLength: 40 }), {
  minLength: 1,
  maxLength: 40,
  selector: (one) => one.join(' '),
})

test('roots and ways are those of RFC 6962', () => {
  fc.assert(
    fc.property(lists, fc.nat(), (data, at) => {
      const tree = merkleTree(nativeCrypto, data)
      const index = at % data.length
      expect(Buffer.from(tree.root)).toEqual(Buffer.from(reference(data)))
      const path = tree.path(index)
      expect(path.map((one) => Buffer.from(one))).toEqual(
        referencePath(index, data).map((one) => Buffer.from(one)),
      )
      const proof = { data: data[index]!, index, count: data.length, path, root: tree.root }
      expect(isIncluded(nativeCrypto, proof)).toBe(true)
    }),
  )
  expect(Buffer.from(merkleRoot(nativeCrypto, []))).toEqual(sha256())
})

test('a way shows nothing at another place, of another size, for other data or to another root', () => {
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(), (data, at, to) => {
      const tree = merkleTree(nativeCrypto, data)
      const { root } = tree
      const [index, other] = [at % data.length, to % data.length]
      const proof = { data: data[index]!, index, count: data.length, path: tree.path(index), root }
      const holds = (more: Partial<typeof proof>) => isIncluded(nativeCrypto, { ...proof, ...more })
      if (other !== index) expect(holds({ index: other })).toBe(false)
      expect(holds({ data: Uint8Array.of(...proof.data, 0) })).toBe(false)
      expect(holds({ root: sha256(root) })).toBe(false)
      expect(holds({ root: Uint8Array.of(...root, 0) })).toBe(false)
      expect(holds({ path: [...proof.path, root] })).toBe(false)
      if (proof.path.length > 0) expect(holds({ path: proof.path.slice(1) })).toBe(false)
      for (const index of [-1, data.length, 0.5, NaN]) expect(holds({ index })).toBe(false)
    }),
  )
})

test('a node of the tree cannot be passed off as a leaf', () => {
  const data = ['00', '01', '02', '03'].map(bytes)
  const { root } = merkleTree(nativeCrypto, data)
  const halves = [data.slice(0, 2), data.slice(2)].map((half) => merkleRoot(nativeCrypto, half))
  // Hashed as a leaf without its prefix, the pair of two nodes would have this very root.
  expect(isIncluded(nativeCrypto, proofOf(Buffer.concat(halves), root))).toBe(false)
  const left = data.slice(0, 2).map((one) => merkleRoot(nativeCrypto, [one]))
  const short = { data: Buffer.concat(left), index: 0, count: 2, path: [halves[1]!], root }
  expect(isIncluded(nativeCrypto, short)).toBe(false)
})

test('a tree of more than 2^32 leaves is beyond what is looked at, and loops nowhere', () => {
  const path = Array.from({ length: 32 }, () => new Uint8Array(32))
  const proof = { ...proofOf(bytes('00'), new Uint8Array(32)), path }
  expect(isIncluded(nativeCrypto, { ...proof, count: 2 ** 53 - 1, index: 2 ** 52 })).toBe(false)
})

test('a place beyond 31 bits is computed with all its bits', () => {
  const path = Array.from({ length: 32 }, (_, at) => new Uint8Array(32).fill(at))
  let root = merkleRoot(nativeCrypto, [bytes('aa')])
  // The last leaf of 2^32: it is right of everything.
  for (const beside of path) root = sha256(Uint8Array.of(1), beside, root)
  const proof = { data: bytes('aa'), index: 2 ** 32 - 1, count: 2 ** 32, path, root }
  expect(isIncluded(nativeCrypto, proof)).toBe(true)
})

function proofOf(data: Uint8Array, root: Uint8Array) {
  return { data, index: 0, count: 1, path: [] as Uint8Array[], root }
}
