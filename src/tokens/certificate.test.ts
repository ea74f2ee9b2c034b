import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { type Subject, attest } from './attestation.ts'
import { type Certificate, assemble, checkCertificate, readCertificate } from './certificate.ts'
import { cidOf, encodeRecord } from './encoding.ts'
import { type ReadEpoch, committeeOf, readEpoch } from './epoch.ts'

const WHO = 'abcdefg'.split('').map((letter) => payer(`val${letter}`))
const validators = WHO.map(({ did, signer }) => ({ did, key: signer.didKey }))
const committee = committeeOf(
  readEpoch(nativeCrypto, encodeRecord(firstEpoch(validators, []))) as ReadEpoch,
)
const about: Subject = {
  phase: 'apply',
  ledger: committee.ledger,
  epoch: 0,
  committee: committee.id,
  account: didOf('ada'),
  seq: 1,
  transfer: cidOf(nativeCrypto, {}),
}
const SECOND = (at: number) => `2026-11-28T12:00:${String(at).padStart(2, '0')}.000Z`
const vote = (at: number, second = at, senderKey = validators[0]!.key) =>
  attest(nativeCrypto, WHO[at]!.signer, about, {
    validator: WHO[at]!.did,
    senderKey,
    observedAt: SECOND(second),
  })
const VOTES = WHO.map((_, at) => vote(at))
const check = (certificate: Certificate) => checkCertificate(nativeCrypto, certificate, committee)

test('just the sets of a quorum or more certify, whichever they are', () => {
  fc.assert(
    fc.property(fc.subarray(VOTES, { minLength: 1 }), (votes) => {
      const found = check(assemble(about, votes))
      expect(found.ok).toBe(votes.length >= 5)
      if (!found.ok) expect(found.reason).toBe('TooFewSigners')
    }),
    { numRuns: 50 },
  )
})

test('a certificate re-encodes to the bytes it came in', () => {
  const bytes = encodeRecord(assemble(about, VOTES))
  const read = readCertificate(bytes)
  expect(read.ok && encodeRecord(read.certificate)).toEqual(bytes)
})

test('one signer twice, a stranger, or one bad signature beyond the quorum refuses the whole', () => {
  const good = assemble(about, VOTES)
  const with4 = { ...good, attestations: [...VOTES.slice(0, 4), VOTES[0]!] }
  expect(check(with4)).toMatchObject({ reason: 'DuplicateSigner' })
  const eve = payer('eve')
  const by = { validator: eve.did, senderKey: eve.signer.didKey, observedAt: SECOND(1) }
  const stranger = attest(nativeCrypto, eve.signer, about, by)
  const joined = { ...good, attestations: [...VOTES, stranger] }
  expect(check(joined)).toMatchObject({ reason: 'UnknownSigner' })
  const stolen = { ...VOTES[6]!, signature: VOTES[5]!.signature }
  const bad = { ...good, attestations: [...VOTES.slice(0, 6), stolen] }
  expect(check(bad)).toMatchObject({ reason: 'BadSignature' })
})

test('a certificate is of one ledger, epoch and committee', () => {
  const good = assemble(about, VOTES)
  expect(check({ ...good, ledger: about.transfer })).toMatchObject({ reason: 'WrongLedger' })
  expect(check({ ...good, epoch: 1 })).toMatchObject({ reason: 'WrongEpoch' })
  expect(check({ ...good, committee: about.transfer })).toMatchObject({ reason: 'WrongCommittee' })
  expect(check({ ...good, seq: 2 })).toMatchObject({ reason: 'WrongPrev' })
})

test('two liars of seven choose neither the time nor the sender’s key', () => {
  const liars = [vote(0, 59, 'did:key:zLie'), vote(1, 58, 'did:key:zLie')]
  const found = check(assemble(about, [...liars, vote(2), vote(3), vote(4)]))
  expect(found).toMatchObject({ ok: true, time: SECOND(4), senderKey: validators[0]!.key })
  const amid = [vote(0, 10, 'did:key:zLie'), vote(1, 11, 'did:key:zLie')]
  const between = check(assemble(about, [...amid, vote(2, 9), vote(3, 12), vote(4, 13)]))
  expect(between).toMatchObject({ ok: true, senderKey: validators[0]!.key })
  const early = [vote(5, 0, 'did:key:zLie'), vote(6, 0, 'did:key:zLie')]
  const other = check(assemble(about, [...early, vote(2), vote(3), vote(4)]))
  expect(other).toMatchObject({ ok: true, time: SECOND(2), senderKey: validators[0]!.key })
})
