import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../../test/tokens/town.ts'
import { nativeCrypto } from '../../crypto/native.ts'
import { type VerifiedBalance, verificationHash } from './verification-hash.ts'

const CID = `bafyreia${'a'.repeat(51)}`
const hash = (balance: VerifiedBalance) => verificationHash(nativeCrypto.sha256, balance)
const ada = didOf('ada')

test('the hash is that of four lines, which anybody can write', () => {
  const text = `${ada}\n1500000\n${CID}\n12\n`
  const expected = createHash('sha256').update(text).digest('hex')
  expect(hash({ user: ada, balance: 1_500_000n, last: CID, count: 12 })).toBe(expected)
  const empty = createHash('sha256').update(`${ada}\n0\n\n0\n`).digest('hex')
  expect(hash({ user: ada, balance: 0n, count: 0 })).toBe(empty)
  const vector = 'db9d51f84c68a84b7069c8bf196ec0383a46fd46234a00b9043c2c7d71177b73'
  expect(hash({ user: ada, balance: 0n, count: 0 })).toBe(vector)
})

test('whatever differs in a balance differs in its hash', () => {
  const balances = fc.record(
    {
      user: fc.constantFrom(ada, didOf('ben')),
      balance: fc.bigInt({ min: -20n, max: 20n }),
      last: fc.constantFrom(CID, `bafyreib${'a'.repeat(51)}`),
      count: fc.nat(20),
    },
    { requiredKeys: ['user', 'balance', 'count'] },
  )
  const form = ({ user, balance, last, count }: VerifiedBalance) => [user, balance, last, count]
  fc.assert(
    fc.property(balances, balances, (a, b) => {
      const isSame = form(a).every((one, n) => one === form(b)[n])
      expect(hash(a) === hash(b)).toBe(isSame)
    }),
  )
})

test.each([
  { user: 'ada\n1', balance: 0n, count: 0 },
  { user: ada, balance: 0n, count: -1 },
  { user: ada, balance: 0n, count: 0.5 },
  { user: ada, balance: 0n, last: `${CID}\n`, count: 1 },
  { user: ada, balance: 0n, last: '', count: 1 },
])('what no balance has is a mistake', (balance) => {
  expect(() => hash(balance)).toThrow(RangeError)
})
