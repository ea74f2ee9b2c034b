import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { cidOf } from './encoding.ts'
import { settledTree, stateRoot } from './state-root.ts'

const head = cidOf(nativeCrypto, {})
const names = ['ada', 'ben', 'cleo', 'dora']
const standing = fc.record({
  did: fc.constantFrom(...names.map(didOf)),
  seq: fc.nat(5),
  balance: fc.bigInt({ min: -5n, max: 1_000n }),
})
const lists = fc.uniqueArray(standing, { selector: ({ did }) => did })
const withHeads = (list: readonly { did: string; seq: number; balance: bigint }[]) =>
  list.map((one) => ({ ...one, ...(one.seq > 0 && { head }) }))

test('the root of all accounts is the same in any order, and without those nothing happened to', () => {
  fc.assert(
    fc.property(lists, (list) => {
      const accounts = withHeads(list)
      const root = stateRoot(nativeCrypto, accounts)
      expect(stateRoot(nativeCrypto, accounts.toReversed())).toEqual(root)
      const idle = { did: didOf('idle'), seq: 0, balance: 0n }
      expect(stateRoot(nativeCrypto, [...accounts, idle])).toEqual(root)
    }),
  )
})

test('one micro-token, one number or one head more is another root', () => {
  const one = { did: didOf('ada'), seq: 1, head, balance: 5n }
  const root = stateRoot(nativeCrypto, [one])
  const other = cidOf(nativeCrypto, { other: 1 })
  for (const more of [{ balance: 6n }, { seq: 2 }, { head: other }, { did: didOf('ben') }]) {
    expect(stateRoot(nativeCrypto, [{ ...one, ...more }])).not.toEqual(root)
  }
})

test('settled transfers stand by account and number, whatever order they came in', () => {
  const settled = [2, 10, 1].map((seq) => ({ account: didOf('ada'), seq, transfer: head }))
  const tree = settledTree(nativeCrypto, settled)
  expect(tree.sorted.map(({ seq }) => seq)).toEqual([1, 2, 10])
  expect(settledTree(nativeCrypto, settled.toReversed()).root).toEqual(tree.root)
})
