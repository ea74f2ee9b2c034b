import { expect, test } from 'vitest'
import { didOf } from '../../../test/tokens/town.ts'
import { did } from '../shape.ts'
import { PERSONHOOD, personsOf, snapshotOf } from './personhood.ts'
import type { Vouch } from './vouch-budget.ts'

/** `root>ada` is a vouch of root for ada. */
function vouches(...pairs: readonly string[]): Vouch[] {
  return pairs.map((pair) => {
    const [from, to] = pair.split('>').map(didOf) as [string, string]
    return { from, to }
  })
}
const dids = (persons: readonly { readonly did: string }[]) => persons.map(({ did }) => did)
test('buckets go down with the steps from a seed, and nobody accepted has none', () => {
  const chain = vouches('root>a', 'a>b', 'b>c', 'c>d', 'd>e', 'e>f', 'f>g')
  const persons = personsOf({ seeds: [didOf('root')], vouches: chain })
  const buckets = Object.fromEntries(persons.map(({ did, bucket }) => [did, bucket]))
  const names = ['root', 'a', 'b', 'c', 'd', 'e', 'f', 'g']
  expect(names.map((name) => buckets[didOf(name)])).toEqual([5, 4, 3, 2, 1, 1, 1, undefined])
})

test('the cluster is whom a seed vouches for on the way of the smallest DIDs', () => {
  const given = vouches('root>a', 'root>b', 'b>c', 'a>c', 'b>d', 'c>e', 'd>e', 'second>root')
  const persons = personsOf({ seeds: [didOf('root')], vouches: given })
  const clusters = persons.map(({ did, cluster }) => [did, cluster])
  expect(clusters).toEqual(
    [
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'a'],
      ['d', 'b'],
      ['e', 'a'],
      ['root', 'root'],
    ].map((pair) => pair.map((name) => didOf(name!))),
  )
})

test('two steps away from a seed it is still the smallest DID that a cluster follows', () => {
  // z is seen before y, since a comes before b; y has the smaller DID.
  const given = vouches('root>a', 'root>b', 'a>z', 'b>y', 'z>p', 'y>p')
  const persons = personsOf({ seeds: [didOf('root')], vouches: given })
  const clusters = Object.fromEntries(persons.map(({ did, cluster }) => [did, cluster]))
  expect(clusters).toMatchObject({
    [didOf('z')]: didOf('a'),
    [didOf('y')]: didOf('b'),
    [didOf('p')]: didOf('b'),
  })
})

test('vouches for oneself and given twice add nothing, and no odd name comes in', () => {
  const seeds = [didOf('root')]
  const given = vouches('root>root', 'root>a', 'root>a', 'a>a', 'x>y')
  const odd = { from: didOf('root'), to: 'did:PLC:a' }
  const persons = personsOf({ seeds: [...seeds, 'nobody'], vouches: [...given, odd] })
  expect(dids(persons)).toEqual([didOf('a'), didOf('root')])
  expect(personsOf({ seeds: [], vouches: given })).toEqual([])
})

test('who gives way makes room: a place is used where only it helps', () => {
  // a and b each pass one on; c may have it of both, d of a only.
  const given = vouches('root>a', 'root>b', 'a>c', 'b>c', 'a>d')
  const persons = personsOf({ seeds: [didOf('root')], vouches: given, capacities: [5, 2, 1] })
  expect(dids(persons)).toEqual(['a', 'b', 'c', 'd', 'root'].map(didOf))
  const fewer = personsOf({ seeds: [didOf('root')], vouches: given, capacities: [4, 2, 1] })
  expect(dids(fewer)).toEqual(['a', 'b', 'c', 'root'].map(didOf))
})

test('a snapshot is sorted, and names its ledger and keys where there are some', () => {
  const persons = personsOf({
    seeds: [didOf('root')],
    vouches: vouches('root>a'),
    keys: new Map([[didOf('a'), 'did:key:zA']]),
  })
  const [a, root] = [didOf('a'), didOf('root')]
  const record = {
    $type: PERSONHOOD,
    epoch: 7,
    persons: [
      { did: a, key: 'did:key:zA', bucket: 4, cluster: a },
      { did: root, bucket: 5, cluster: root },
    ],
  }
  expect(snapshotOf(7, persons.toReversed())).toEqual(record)
  expect(snapshotOf(7, persons, 'bafyreiledger')).toEqual({ ...record, ledger: 'bafyreiledger' })
})

test('a cluster has a name that a record can hold, and of the form of a DID', () => {
  const clusterOf = (long: string) =>
    personsOf({ seeds: [didOf('root')], vouches: [{ from: didOf('root'), to: long }] }).find(
      (one) => one.did === long,
    )?.cluster
  const web = (length: number, rest: string) => `did:web:${'a'.repeat(length)}${rest}`
  expect(clusterOf(web(56, ''))).toBe(web(56, ''))
  expect(clusterOf(web(57, ''))).toBe(web(56, ''))
  expect(clusterOf(web(55, '.example'))).toBe(web(55, ''))
  expect(clusterOf(web(54, '--example'))).toBe(web(54, ''))
  for (const length of [51, 52, 53, 54, 55]) {
    const cluster = clusterOf(web(length, '%3A65535'))
    expect(cluster).toBe(web(length, ''))
    expect(did(cluster, 'cluster')).toBeUndefined()
  }
  expect(clusterOf(web(48, '%3A65535'))).toBe(web(48, '%3A65535'))
})

test('a snapshot holds no more than the most, the nearest first', () => {
  const given = vouches('root>z', 'root>y', 'z>a', 'z>b')
  const persons = personsOf({ seeds: [didOf('root')], vouches: given, most: 4 })
  expect(dids(persons)).toEqual(['a', 'root', 'y', 'z'].map(didOf))
})

test.each([[[]], [[3, 0]], [[1.5]], [[-1]], [[2 ** 31]]])('capacities %j are a mistake', (list) => {
  expect(() => personsOf({ seeds: [], vouches: [], capacities: list })).toThrow(RangeError)
})
