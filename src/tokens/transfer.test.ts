import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOON, didOf, payer } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { SUPPLY_CAP } from './amount.ts'
import { cidOf, decodeRecord, encodeRecord } from './encoding.ts'
import {
  KINDS,
  TRANSFER,
  type Transfer,
  checkSpend,
  readTransfer,
  signSpend,
  transferId,
  transferRkey,
} from './transfer.ts'

const ADA = payer('ada')
const LEDGER = cidOf(nativeCrypto, { ledger: 1 })
const PLAIN: Transfer = {
  $type: TRANSFER,
  ledger: LEDGER,
  epoch: 0,
  seq: 1,
  kind: 'peer_recognition',
  credits: [{ to: didOf('ben'), amount: 5 }],
  createdAt: NOON,
  signatures: [],
}
const read = (record: object, account = ADA.did) =>
  readTransfer(nativeCrypto, account, encodeRecord(record))
const credit = (amount: unknown, name = 'ben') => ({ to: didOf(name), amount })

const transfers = fc.record({
  seq: fc.integer({ min: 2, max: 999_999_999_999 }),
  kind: fc.constantFrom(...KINDS),
  amounts: fc.array(fc.integer({ min: 1, max: 1e15 }), { minLength: 1, maxLength: 8 }),
  validUntil: fc.option(fc.constant(NOON), { nil: undefined }),
})

test('an accepted transfer re-encodes to the bytes it came in', () => {
  fc.assert(
    fc.property(transfers, ({ seq, kind, amounts, validUntil }) => {
      const credits = amounts.map((amount, at) => credit(amount, `ben${'abcdefgh'[at]}`))
      const more = { prev: LEDGER, seq, kind, credits, ...(validUntil && { validUntil }) }
      const bytes = encodeRecord({ ...PLAIN, ...more })
      const found = readTransfer(nativeCrypto, ADA.did, bytes)
      expect(found).toMatchObject({ ok: true, total: amounts.reduce((a, b) => a + BigInt(b), 0n) })
      if (found.ok) expect(encodeRecord(found.transfer)).toEqual(bytes)
    }),
  )
})

const refused: [string, object, string][] = [
  ['of nothing', { credits: [] }, 'Malformed'],
  ['of zero', { credits: [credit(0)] }, 'BadAmount'],
  ['of less than zero', { credits: [credit(-1)] }, 'BadAmount'],
  ['of a fraction', { credits: [credit(0.5)] }, 'BadAmount'],
  ['of text', { credits: [credit('5')] }, 'BadAmount'],
  ['of a map with the keys of a function', { credits: [credit({ toString: 1 })] }, 'BadAmount'],
  ['without an amount', { credits: [{ to: didOf('ben') }] }, 'Malformed'],
  ['over the supply', { credits: [credit(2 ** 53 - 1)] }, 'BadAmount'],
  [
    'over the supply in sum',
    { credits: [credit(Number(SUPPLY_CAP)), credit(1, 'cleo')] },
    'BadAmount',
  ],
  ['to its own account', { credits: [{ to: ADA.did, amount: 5 }] }, 'SelfCredit'],
  ['to one receiver twice', { credits: [credit(5), credit(6)] }, 'DuplicateCredit'],
  ['to nine', { credits: 'abcdefghi'.split('').map((name) => credit(1, name)) }, 'Malformed'],
  ['of number zero', { seq: 0 }, 'Malformed'],
  ['of the first number with one before it', { prev: LEDGER }, 'WrongPrev'],
  ['of the second number with none before it', { seq: 2 }, 'WrongPrev'],
  ['of a kind there is not', { kind: 'gift' }, 'Malformed'],
  ['with a field nobody knows', { note: 'hello' }, 'Malformed'],
  [
    'with bytes that are none',
    {
      signatures: [
        { ...signSpend(ADA.signer, LEDGER), signature: { $bytes: 'A'.repeat(86), more: 1 } },
      ],
    },
    'Malformed',
  ],
]
for (const [name, more, reason] of refused) {
  test(`refused: a transfer ${name}`, () => {
    expect(read({ ...PLAIN, ...more })).toMatchObject({ ok: false, reason })
  })
}

test('a float with an integer value is no amount', () => {
  const bytes = Buffer.from(encodeRecord(PLAIN)).toString('hex')
  const float = bytes.replace('66616d6f756e7405', '66616d6f756e74fb4014000000000000')
  expect(float).not.toBe(bytes)
  expect(decodeRecord(Buffer.from(float, 'hex'))).toMatchObject({ reason: 'NotCanonical' })
})

test('the id is of the content and the repo, not of who has signed', () => {
  const id = transferId(nativeCrypto, ADA.did, PLAIN)
  const signed = { ...PLAIN, signatures: [signSpend(ADA.signer, id)] }
  expect(transferId(nativeCrypto, ADA.did, signed)).toBe(id)
  expect(transferId(nativeCrypto, didOf('eve'), PLAIN)).not.toBe(id)
  expect(transferId(nativeCrypto, ADA.did, { ...PLAIN, epoch: 1 })).not.toBe(id)
})

test('a spend signature is of the key asked for, over this id', () => {
  const id = transferId(nativeCrypto, ADA.did, PLAIN)
  const signed = { transfer: { ...PLAIN, signatures: [signSpend(ADA.signer, id)] }, id }
  expect(checkSpend(nativeCrypto, signed, ADA.signer.didKey)).toBeUndefined()
  const other = { ...signed, id: LEDGER }
  const check = checkSpend(nativeCrypto, other, ADA.signer.didKey)
  expect(check).toMatchObject({ reason: 'BadSpendSignature' })
  const key = payer('eve').signer.didKey
  expect(checkSpend(nativeCrypto, signed, key)).toMatchObject({ reason: 'SpendSignatureMissing' })
})

test('keys of records sort as their numbers do', () => {
  expect(transferRkey('AT', 7)).toBe('at.000000000007')
})
