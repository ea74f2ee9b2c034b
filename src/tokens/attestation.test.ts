import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOON, didOf, payer } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import {
  type Attestation,
  type Subject,
  attest,
  attestationBytes,
  checkAttestation,
  makeBatch,
} from './attestation.ts'
import { cidBytesOf, cidOf } from './encoding.ts'
import { checkedBatches } from './seen-signatures.ts'

const VAL = payer('val')
const key = VAL.signer.didKey
const CID = cidOf(nativeCrypto, {})
const by = { validator: VAL.did, senderKey: payer('ada').signer.didKey, observedAt: NOON }
const about: Subject = {
  phase: 'lock',
  ledger: CID,
  epoch: 0,
  committee: CID,
  account: didOf('ada'),
  seq: 1,
  transfer: CID,
}
const other = cidOf(nativeCrypto, { other: true })
const changes: Partial<Subject>[] = [
  { phase: 'apply' },
  { ledger: other },
  { epoch: 1 },
  { committee: other },
  { account: didOf('eve') },
  { seq: 2 },
  { prev: other },
  { transfer: other },
]
const check = (of: Subject, made: Attestation, options = { key }) =>
  checkAttestation(nativeCrypto, of, made, options)

test('an attestation is of every part of what it is about', () => {
  const made = attest(nativeCrypto, VAL.signer, about, by)
  expect(check(about, made)).toBeUndefined()
  for (const more of changes) {
    expect(check({ ...about, ...more }, made)).toMatchObject({ reason: 'BadSignature' })
  }
  for (const more of [{ observedAt: '2026-11-28T12:00:00.001Z' }, { senderKey: key }]) {
    expect(check(about, { ...made, ...more })).toMatchObject({ reason: 'BadSignature' })
  }
  expect(check(about, made, { key: by.senderKey })).toMatchObject({ reason: 'BadSignature' })
})

test('what is signed is the CID of the whole content, with or without a transfer before', () => {
  const $type = 'co.kendev.tokens.defs#attestation'
  for (const of of [about, { ...about, seq: 70_000, prev: other }]) {
    const whole = cidBytesOf(nativeCrypto, { $type, ...of, ...by })
    expect(attestationBytes(nativeCrypto, of, by)).toEqual(whole)
  }
})

const entries = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ about: { ...about, seq: at + 1 }, by }))

test('of a batch each attestation holds at its own place and at no other', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), fc.nat(), (count, at, to) => {
      const all = entries(count)
      const { attestations } = makeBatch(nativeCrypto, { number: 1 }, all).sign(VAL.signer)
      const [here, there] = [at % count, to % count]
      const made = attestations[here]!
      expect(check(all[here]!.about, made)).toBeUndefined()
      if (here === there) return
      expect(check(all[there]!.about, made)).toMatchObject({ reason: 'BadBatchPath' })
      const moved = { ...made, batch: { ...made.batch!, index: there } }
      expect(check(all[here]!.about, moved)).toMatchObject({ reason: 'BadBatchPath' })
    }),
    { numRuns: 60 },
  )
})

test('the head of a batch is signed whole: number, batch before, size, ledger, validator', () => {
  const chain = { number: 2, previous: CID }
  const [made] = makeBatch(nativeCrypto, chain, entries(1)).sign(VAL.signer).attestations
  const { batch } = made!
  for (const more of [{ number: 3 }, { previous: other }]) {
    const changed = { ...made!, batch: { ...batch!, ...more } }
    expect(check(about, changed)).toMatchObject({ reason: 'BadBatchSignature' })
  }
  const grown = { ...made!, batch: { ...batch!, count: 2 } }
  expect(check(about, grown)).toMatchObject({ reason: 'BadBatchPath' })
  expect(check({ ...about, epoch: 1 }, made!)).toMatchObject({ reason: 'BadBatchPath' })
})

test('a head is checked once, and remembering it lets nothing else through', () => {
  let verified = 0
  const crypto = {
    ...nativeCrypto,
    verify: (one: Parameters<typeof nativeCrypto.verify>[0]) => {
      verified += 1
      return nativeCrypto.verify(one)
    },
  }
  const all = entries(5)
  const checked = checkedBatches()
  const { attestations } = makeBatch(crypto, { number: 1 }, all).sign(VAL.signer)
  for (const [at, made] of attestations.entries()) {
    expect(checkAttestation(crypto, all[at]!.about, made, { key, checked })).toBeUndefined()
  }
  expect(verified).toBe(1)
  const forged = { ...attestations[0]!, batch: { ...attestations[0]!.batch!, number: 7 } }
  const answer = checkAttestation(crypto, all[0]!.about, forged, { key, checked })
  expect(answer).toMatchObject({ reason: 'BadBatchSignature' })
})
