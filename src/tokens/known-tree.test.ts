import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativeCrypto } from '../crypto/native.ts'
import { knownTree } from './known-tree.ts'
import { isIncluded, merkleTree } from './merkle.ts'

const leaf = (at: number) => Uint8Array.of(at >> 8, at & 255, 7)
const treeOf = (count: number) =>
  merkleTree(
    nativeCrypto,
    Array.from({ length: count }, (_, at) => leaf(at)),
  )

type Way = { data: Uint8Array; index: number; path: Uint8Array[] }
const flipped = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, here) => (here === at % bytes.length ? byte ^ 1 : byte))

/** What may be wrong with a way that somebody sends. */
const FAULTS = ['data', 'index', 'bit', 'swap', 'shorter', 'longer', 'short', 'long'] as const
type Sent = {
  readonly index: number
  readonly fault: (typeof FAULTS)[number] | undefined
  readonly at: number
  readonly other: number
}
const sent: fc.Arbitrary<Sent> = fc.record({
  index: fc.nat(),
  fault: fc.option(fc.constantFrom(...FAULTS), { nil: undefined }),
  at: fc.nat(),
  other: fc.nat(),
})

function wayOf(count: number, tree: ReturnType<typeof treeOf>, asked: Sent): Way {
  const index = asked.index % count
  const way = { data: leaf(index), index, path: tree.path(index) }
  const { path } = way
  if (asked.fault === undefined) return way
  if (path.length === 0) return { ...way, path: [tree.root] }
  const at = asked.at % path.length
  const given = path[at]!
  const faults: Record<(typeof FAULTS)[number], Way> = {
    data: { ...way, data: leaf(asked.at % 700) },
    index: { ...way, index: asked.at % (count + 2) },
    bit: { ...way, path: path.with(at, flipped(given, asked.other)) },
    swap: { ...way, path: path.with(at, path[asked.other % path.length]!) },
    shorter: { ...way, path: path.toSpliced(at, 1) },
    longer: { ...way, path: path.toSpliced(asked.at % (path.length + 1), 0, given) },
    long: { ...way, path: path.with(at, Uint8Array.of(...given, 0)) },
    short: { ...way, path: path.with(at, given.subarray(1)) },
  }
  return faults[asked.fault]
}

test('whatever is known already, a way leads to the root just when it does without', () => {
  const counts = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 600 }))
  let [good, bad] = [0, 0]
  fc.assert(
    fc.property(
      counts,
      fc.array(sent, { minLength: 1, maxLength: 60, size: 'max' }),
      (count, asked) => {
        const tree = treeOf(count)
        const known = knownTree(nativeCrypto, { root: tree.root, count })
        for (const one of asked) {
          const way = wayOf(count, tree, one)
          const truth = isIncluded(nativeCrypto, { ...way, root: tree.root, count })
          expect(known.includes(way)).toBe(truth)
          if (truth) good += 1
          else bad += 1
        }
      },
    ),
    { numRuns: 300 },
  )
  expect(Math.min(good, bad)).toBeGreaterThan(1_000)
})

test('all entries of a batch of 256 take one hash for each node of its tree', () => {
  let hashed = 0
  const counting = {
    ...nativeCrypto,
    sha256(bytes: Uint8Array) {
      hashed += 1
      return nativeCrypto.sha256(bytes)
    },
  }
  const tree = treeOf(256)
  const known = knownTree(counting, { root: tree.root, count: 256 })
  for (let index = 0; index < 256; index += 1) {
    expect(known.includes({ data: leaf(index), index, path: tree.path(index) })).toBe(true)
  }
  // 256 leaves, 255 nodes, but for what the first way brings along.
  expect(hashed).toBeLessThanOrEqual(511)
})

test('places that are none, and roots of another length, lead nowhere', () => {
  const tree = treeOf(5)
  const known = knownTree(nativeCrypto, { root: tree.root, count: 5 })
  const way = { data: leaf(2), index: 2, path: tree.path(2) }
  expect(known.includes(way)).toBe(true)
  for (const index of [-1, 5, 0.5, NaN, 2 ** 53]) {
    expect(known.includes({ ...way, index })).toBe(false)
  }
  for (const count of [0, -1, 4.5, NaN, 2 ** 40]) {
    expect(knownTree(nativeCrypto, { root: tree.root, count }).includes(way)).toBe(false)
  }
  const longer = knownTree(nativeCrypto, { root: Uint8Array.of(...tree.root, 0), count: 5 })
  expect(longer.includes(way)).toBe(false)
})
