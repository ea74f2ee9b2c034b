import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../../test/tokens/town.ts'
import { CAPACITIES, personsOf } from './personhood.ts'
import type { Vouch } from './vouch-budget.ts'

const ACCOUNTS = 7
const account = fc.nat(ACCOUNTS - 1)
const graphs = fc.record({
  seeds: fc.array(account, { minLength: 1, maxLength: 2 }),
  pairs: fc.array(fc.tuple(account, account), { maxLength: 24 }),
  capacities: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
})
type Graph = { seeds: number[]; pairs: [number, number][]; capacities: readonly number[] }

const did = (n: number) => didOf('abcdefghijklmn'[n]!)
const accepted = ({ seeds, pairs, capacities }: Graph) =>
  personsOf({
    seeds: seeds.map(did),
    vouches: pairs.map(([from, to]) => ({ from: did(from), to: did(to) })),
    capacities,
  })

test('as many are accepted as any flow can serve, and of these the first in order', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const cuts = cutsOf(graph)
      const names = accepted(graph).map((one) => one.did)
      expect(names.length).toBe(largest(cuts))
      expect(names).toEqual(greedy(graph, cuts).map(did))
    }),
    { numRuns: 300 },
  )
})

test('the order of seeds and vouches changes nothing', () => {
  fc.assert(
    fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, keys) => {
      const keyed = graph.pairs.map((pair) => ({ pair, key: keys.next().value as number }))
      const pairs = keyed.toSorted((a, b) => a.key - b.key).map(({ pair }) => pair)
      const other = { ...graph, seeds: graph.seeds.toReversed(), pairs: [...pairs, ...pairs] }
      expect(accepted(other)).toEqual(accepted(graph))
    }),
  )
})

const LARGER = 14
const larger = fc.record({
  seeds: fc.array(fc.nat(LARGER - 1), { minLength: 1, maxLength: 2 }),
  pairs: fc.array(fc.tuple(fc.nat(LARGER - 1), fc.nat(LARGER - 1)), {
    minLength: 20,
    maxLength: 44,
  }),
  capacities: fc.constantFrom([9, 4, 3, 2, 1], [12, 3, 3, 3, 3, 1], [7, 5, 2, 2, 1]),
})

test('in larger graphs the choice is that of flows computed anew for each account', () => {
  fc.assert(
    fc.property(larger, (graph) => {
      const far = distances(graph)
      const order = [...far.keys()].toSorted((a, b) => far.get(a)! - far.get(b)! || a - b)
      const chosen: number[] = []
      for (const one of order) if (isServable(graph, [...chosen, one])) chosen.push(one)
      const names = accepted(graph).map((one) => one.did)
      expect(names).toEqual(chosen.toSorted((a, b) => a - b).map(did))
    }),
    { numRuns: 2_000 },
  )
})

/** Whether all of these get a unit: augmenting ways in a matrix of what is left of capacities. The
 *  places of account n are 2n and 2n + 1; the last two are the source and the sink. */
function isServable(graph: Graph, chosen: readonly number[]): boolean {
  const far = distances(graph)
  const [source, sink] = [2 * LARGER, 2 * LARGER + 1]
  const left = Array.from({ length: sink + 1 }, () => new Int32Array(sink + 1))
  for (const seed of graph.seeds) left[source]![2 * seed] = 1_000
  for (const [n, step] of far) left[2 * n]![2 * n + 1] = graph.capacities[step]! - 1
  for (const [from, to] of graph.pairs) left[2 * from + 1]![2 * to] = 1_000
  for (const one of chosen) left[2 * one]![sink] = 1
  const push = (place: number, seen: Set<number>): boolean => {
    if (place === sink) return true
    seen.add(place)
    const next = left[place]!.findIndex((n, to) => n > 0 && !seen.has(to) && push(to, seen))
    if (next === -1) return false
    left[place]![next]! -= 1
    left[next]![place]! += 1
    return true
  }
  return chosen.every(() => push(source, new Set()))
}

/** A way to cut accounts off from the seeds: what it still lets in, and who is cut off. */
type Cut = { readonly room: number; readonly off: ReadonlySet<number>; readonly others: number }

/** All cuts of finite room. Of each account both places are cut off, only that behind its capacity,
 *  or neither; only over the capacity of the second kind anything comes in. */
function cutsOf(graph: Graph): Cut[] {
  const far = distances(graph)
  const cuts: Cut[] = []
  for (let cut = 0; cut < 3 ** ACCOUNTS; cut += 1) {
    const parts = Array.from({ length: ACCOUNTS }, (_, n) => Math.trunc(cut / 3 ** n) % 3)
    const isOpen = graph.pairs.some(([from, to]) => parts[to] === 2 && parts[from] === 0)
    if (isOpen || graph.seeds.some((seed) => parts[seed] === 2)) continue
    const halves = [...far].filter(([n]) => parts[n] === 1)
    const room = halves.reduce((all, [, step]) => all + graph.capacities[step]! - 1, 0)
    const off = new Set([...far.keys()].filter((n) => parts[n] === 2))
    cuts.push({ room, off, others: far.size - off.size })
  }
  return cuts
}

/** The maximum flow, as the least of what cuts let through. */
function largest(cuts: readonly Cut[]): number {
  return Math.min(...cuts.map(({ room, others }) => room + others))
}

/** Nearest first, then by DID: each that can be served with all chosen before it. */
function greedy(graph: Graph, cuts: readonly Cut[]): number[] {
  const far = distances(graph)
  const order = [...far.keys()].toSorted((a, b) => far.get(a)! - far.get(b)! || a - b)
  const chosen: number[] = []
  for (const one of order) {
    const all = [...chosen, one]
    if (cuts.every(({ room, off }) => all.filter((n) => off.has(n)).length <= room)) {
      chosen.push(one)
    }
  }
  return chosen.toSorted((a, b) => a - b)
}

function distances({ seeds, pairs, capacities }: Graph): Map<number, number> {
  const far = new Map(seeds.map((seed) => [seed, 0]))
  for (let step = 1; step < capacities.length; step += 1) {
    for (const [from, to] of pairs) {
      if (far.get(from) === step - 1 && !far.has(to)) far.set(to, step)
    }
  }
  return far
}

/** The n-th of a group. No group is named as the beginning of another. */
const nth = (group: string, n: number) =>
  didOf(
    `${group}${`${n}`
      .split('')
      .map((digit) => 'abcdefghij'[Number(digit)])
      .join('')}`,
  )
const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
const pick = (below: number, next: () => number) => Math.floor(next() * below)

const HONEST = 40
const towns = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
  attacks: fc.nat(6),
  back: fc.nat(6),
  friends: fc.integer({ min: 1, max: 4 }),
  shape: fc.constantFrom(CAPACITIES, [30, 10, 4, 2, 1], [9, 6, 5, 4, 3, 2, 2]),
})

test('false accounts are at most what those they deceived pass on, and of as few clusters', () => {
  fc.assert(
    fc.property(towns, ({ seed, attacks, back, friends, shape }) => {
      const next = random(seed)
      const given: Vouch[] = []
      const add = (from: string, to: string) => given.push({ from, to })
      for (let n = 0; n < HONEST * friends; n += 1) {
        add(nth('honest', pick(HONEST, next)), nth('honest', pick(HONEST, next)))
      }
      for (let n = 0; n < 600; n += 1)
        add(nth('ring', pick(200, next)), nth('ring', pick(200, next)))
      const deceived = new Map<string, Set<string>>()
      for (let n = 0; n < attacks; n += 1) {
        const [from, to] = [nth('honest', pick(HONEST, next)), nth('ring', pick(200, next))]
        add(from, to)
        deceived.set(from, (deceived.get(from) ?? new Set()).add(to))
      }
      for (let n = 0; n < back; n += 1) add(nth('ring', pick(200, next)), nth('honest', n))
      const seeds = [nth('honest', 0), nth('honest', 1)]
      const far = stepsOf(seeds, given, shape.length)
      const false_ = personsOf({ seeds, vouches: given, capacities: shape }).filter((one) =>
        one.did.startsWith('did:plc:ring'),
      )
      const capacity = (one: string) => shape[far.get(one) ?? Infinity] ?? 0
      const bound = [...deceived].map(([h, those]) => {
        const takenIn = [...those].reduce((all, one) => all + capacity(one), 0)
        return Math.max(Math.min(capacity(h) - 1, takenIn), 0)
      })
      expect(false_.length).toBeLessThanOrEqual(bound.reduce((a, b) => a + b, 0))
      const edges = [...deceived.values()].reduce((all, one) => all + one.size, 0)
      expect(new Set(false_.map((one) => one.cluster)).size).toBeLessThanOrEqual(edges)
    }),
  )
})

function stepsOf(seeds: readonly string[], given: readonly Vouch[], steps: number) {
  const far = new Map(seeds.map((seed) => [seed, 0]))
  for (let step = 1; step < steps; step += 1) {
    for (const { from, to } of given) {
      if (far.get(from) === step - 1 && !far.has(to)) far.set(to, step)
    }
  }
  return far
}

test.each([1, 3, 10])(
  'of ten thousand false accounts behind %i deceived, 6 for each count',
  (k) => {
    const given: Vouch[] = []
    const next = random(k)
    // One seed, 20 friends of it with 40 friends each; some of these, 2 steps away, are deceived.
    for (let n = 0; n < 20; n += 1) given.push({ from: nth('seed', 0), to: nth('friend', n) })
    for (let n = 0; n < 800; n += 1)
      given.push({ from: nth('friend', n % 20), to: nth('other', n) })
    for (let n = 0; n < 10_000; n += 1) {
      for (const to of [(n + 1) % 10_000, pick(10_000, next), pick(10_000, next)]) {
        given.push({ from: nth('ring', n), to: nth('ring', to) })
      }
    }
    // Who is deceived may pass on 11; whom they vouch for is 3 steps away and takes in 6.
    for (let n = 0; n < k; n += 1) given.push({ from: nth('other', n), to: nth('ring', n * 997) })
    const capacities = [2_000, 100, 12, 6, 4, 2, 1]
    const persons = personsOf({ seeds: [nth('seed', 0)], vouches: given, capacities })
    const ring = persons.filter((one) => one.did.startsWith('did:plc:ring'))
    expect(ring.length).toBe(6 * k)
    expect(persons.length - ring.length).toBe(821)
    expect(new Set(ring.map((one) => one.cluster)).size).toBeLessThanOrEqual(k)
  },
)
