import { expect, test } from 'vitest'
import { didOf, payer } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { cidOf } from './encoding.ts'
import { nextTransfer } from './next-transfer.ts'
import { isRefusal } from './refusal.ts'
import { checkSpend } from './transfer.ts'

const ADA = payer('ada')
const ledger = cidOf(crypto, { some: 'epoch' })
const head = cidOf(crypto, { some: 'transfer' })
const wanted = {
  kind: 'peer_recognition',
  credits: [{ to: didOf('ben'), amount: 5 }],
  createdAt: '2026-11-28T12:00:00.000Z',
} as const

test('the first transfer of an account is number 1 and follows none, the next names the one before', () => {
  const first = nextTransfer(crypto, { account: ADA.did, ledger, epoch: 0, seq: 0 }, wanted)
  expect(first).toMatchObject({ ok: true, total: 5n, transfer: { seq: 1, signatures: [] } })
  expect(first).not.toHaveProperty('transfer.prev')
  const next = nextTransfer(crypto, { account: ADA.did, ledger, epoch: 3, seq: 7, head }, wanted)
  expect(next).toMatchObject({ ok: true, transfer: { seq: 8, prev: head, epoch: 3 } })
})

test('a device key signs the id, so that whoever has the PDS cannot spend', () => {
  const place = { account: ADA.did, ledger, epoch: 0, seq: 0 }
  const made = nextTransfer(crypto, place, wanted, ADA.signer)
  if (isRefusal(made)) throw new Error(made.detail)
  expect(checkSpend(crypto, made, ADA.signer.didKey)).toBeUndefined()
})

test('what no validator would read is not made', () => {
  const place = { account: ADA.did, ledger, epoch: 0, seq: 0 }
  const make = (amount: number, to = didOf('ben')) =>
    nextTransfer(crypto, place, { ...wanted, credits: [{ to, amount }] })
  expect(make(0)).toMatchObject({ ok: false, reason: 'BadAmount' })
  expect(make(1, ADA.did)).toMatchObject({ ok: false, reason: 'SelfCredit' })
})
