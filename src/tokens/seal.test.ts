import { expect, test } from 'vitest'
import { NOON, didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { cidOf, encodeRecord } from './encoding.ts'
import { type ReadEpoch, committeeOf, readEpoch } from './epoch.ts'
import { checkSealed, readSeal, sealBytes, sealEpoch } from './seal.ts'

const VAL = payer('val')
const validators = [{ did: VAL.did, key: VAL.signer.didKey }]
const epoch = readEpoch(nativeCrypto, encodeRecord(firstEpoch(validators, []))) as ReadEpoch
const committee = committeeOf(epoch)
const transfer = cidOf(nativeCrypto, {})
const transfers = [2, 1, 3].map((seq) => ({ account: didOf('ada'), seq, transfer }))
const parts = { committee, validator: VAL.did, transfers, participation: [], now: NOON }
const { seal, cid } = sealEpoch(nativeCrypto, VAL.signer, parts)
const read = (more: object) => readSeal(nativeCrypto, encodeRecord({ ...seal, ...more }), committee)

test('a seal is read as it was made, and stands for its transfers in any order', () => {
  expect(readSeal(nativeCrypto, sealBytes(seal), committee)).toMatchObject({ ok: true, cid })
  expect(checkSealed(nativeCrypto, seal, transfers.toReversed())).toBeUndefined()
})

test('a seal stands for no other transfers', () => {
  const others = [transfers.slice(1), [], [...transfers, transfers[0]!]]
  const moved = transfers.with(0, { ...transfers[0]!, seq: 4 })
  for (const list of [...others, moved]) {
    expect(checkSealed(nativeCrypto, seal, list)).toMatchObject({ reason: 'WrongSeal' })
  }
})

test('a seal is of one ledger, epoch and committee, by a member, and signed whole', () => {
  expect(read({ ledger: transfer })).toMatchObject({ reason: 'WrongLedger' })
  expect(read({ epoch: 1 })).toMatchObject({ reason: 'WrongEpoch' })
  expect(read({ committee: transfer })).toMatchObject({ reason: 'WrongCommittee' })
  expect(read({ validator: didOf('eve') })).toMatchObject({ reason: 'UnknownSigner' })
  expect(read({ count: 4 })).toMatchObject({ reason: 'BadSignature' })
  expect(read({ createdAt: '2026-11-28T12:00:00.001Z' })).toMatchObject({ reason: 'BadSignature' })
  expect(read({ note: 1 })).toMatchObject({ reason: 'Malformed' })
})
