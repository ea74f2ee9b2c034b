import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOON, attested, didOf, foundTown, orderOf, payer } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { type Attestation, type BatchHead, type Subject, makeBatch } from './attestation.ts'
import { type Certificate, assemble, checkCertificate, readCertificate } from './certificate.ts'
import { cidOf, encodeRecord } from './encoding.ts'
import { committeeOf } from './epoch.ts'
import { knownTree } from './known-tree.ts'
import { isRefusal } from './refusal.ts'
import { checkedBatches, seenSignatures } from './seen-signatures.ts'

const PEOPLE = Array.from('abcdefghij', (letter) => payer(`person${letter}`))
const GRANTS = PEOPLE.map(({ did }) => ({ kind: 'system_grant', amount: 10, to: did }) as const)
const OTHER = cidOf(crypto, { other: true })
const bent = (one: Bytes, at: number) =>
  toBytes(fromBytes(one).map((byte, here) => (here === at % 32 ? byte ^ 1 : byte)))

/** Certificates of batched votes of three, and what the first of them remembers. */
async function certified() {
  const town = await foundTown(4, GRANTS, { batched: true })
  const orders = PEOPLE.map((who, at) =>
    orderOf(town, who, { credits: [{ to: PEOPLE[(at + 1) % PEOPLE.length]!.did, amount: 1 }] }),
  )
  const votes = await Promise.all(
    town.members.slice(0, 3).map(async ({ validator }) => {
      // The first goes alone; the others come together and are signed with one signature.
      const answers = await Promise.all(orders.map((order) => validator.submit(order)))
      return answers.map(attested)
    }),
  )
  const seen = seenSignatures()
  for (const { about, attestation } of votes[0]!) seen.signed(about, attestation)
  const certificates = orders.map((_, at) => {
    const { about } = votes[0]![at]!
    const attestations = votes.map((of) => of[at]!.attestation)
    // As it comes in: from bytes, no part of it the very object that was signed.
    const read = readCertificate(encodeRecord(assemble(about, attestations)))
    if (isRefusal(read)) throw new Error(read.detail)
    return read.certificate
  })
  return { committee: committeeOf(town.genesis), seen, certificates }
}

type Change = (one: Attestation, other: Attestation, at: number) => Attestation
const inBatch =
  (change: (batch: BatchHead & { index: number; path: readonly Bytes[] }, at: number) => object) =>
  (one: Attestation, _: Attestation, at: number) =>
    one.batch ? { ...one, batch: { ...one.batch, ...change(one.batch, at) } } : one
const CHANGES: readonly Change[] = [
  (one) => one,
  (one, other) => ({ ...one, signature: other.signature }),
  (one, _, at) => ({ ...one, signature: bent(one.signature, at) }),
  (one) => ({ ...one, observedAt: '2026-11-28T12:00:00.001Z' }),
  (one) => ({ ...one, senderKey: PEOPLE[0]!.signer.didKey }),
  (one, { batch }) => (batch ? { ...one, batch } : one),
  inBatch(({ number }) => ({ number: number + 1 })),
  inBatch(() => ({ previous: OTHER })),
  inBatch(({ root }, at) => ({ root: bent(root, at) })),
  inBatch(({ count }) => ({ count: count + 1 })),
  inBatch(({ index, count }) => ({ index: (index + 1) % count })),
  inBatch(({ path }, at) => ({ path: path.slice(at % path.length) })),
  inBatch(({ path, root }) => ({ path: [...path, root] })),
  inBatch(({ path }, at) => ({
    path: path.with(at % path.length, bent(path[at % path.length]!, at)),
  })),
]

test('what is remembered changes no answer, whatever of a certificate is changed', async () => {
  const { committee, seen, certificates } = await certified()
  let [good, bad] = [0, 0]
  const change = fc.record({
    of: fc.nat(certificates.length - 1),
    other: fc.nat(certificates.length - 1),
    signer: fc.nat(2),
    how: fc.option(fc.constantFrom(...CHANGES), { nil: undefined }),
    subject: fc.constantFrom<Partial<Certificate>>(
      {},
      {},
      {},
      { account: didOf('eve') },
      { seq: 2 },
    ),
    at: fc.nat(),
  })
  fc.assert(
    fc.property(change, ({ of, other, signer, how, subject, at }) => {
      const certificate = certificates[of]!
      const attestations = certificate.attestations.map((one, n) =>
        n === signer && how ? how(one, certificates[other]!.attestations[n]!, at) : one,
      )
      const changed = { ...certificate, ...subject, attestations }
      const truth = checkCertificate(crypto, changed, committee)
      expect(checkCertificate(crypto, changed, committee, seen)).toEqual(truth)
      if (truth.ok) good += 1
      else bad += 1
    }),
    { numRuns: 1_500 },
  )
  expect(Math.min(good, bad)).toBeGreaterThan(200)
})

test('votes of one’s own and heads that are known cost no signature', async () => {
  const { committee, seen, certificates } = await certified()
  let verified = 0
  const counting: typeof crypto = {
    ...crypto,
    verify(check) {
      verified += 1
      return crypto.verify(check)
    },
  }
  for (const certificate of certificates) {
    expect(checkCertificate(counting, certificate, committee, seen)).toMatchObject({ ok: true })
  }
  // Of each of the two others the vote that went alone, and the head of its batch.
  expect(verified).toBe(4)
})

test('a vote is one’s own, and a head known, only with every part of what it is about', () => {
  const { did, signer } = payer('validator')
  const by = { validator: did, senderKey: signer.didKey, observedAt: NOON }
  const about: Subject = {
    phase: 'lock',
    ledger: OTHER,
    epoch: 0,
    committee: OTHER,
    account: did,
    seq: 2,
    prev: OTHER,
    transfer: OTHER,
  }
  const seen = seenSignatures()
  const batch = makeBatch(crypto, { number: 1 }, [{ about, by }])
  const { signature, attestations } = batch.sign(signer)
  seen.signed(about, attestations[0]!)
  expect(seen.isOwn({ ...about }, { ...attestations[0]! })).toBe(true)
  const another = cidOf(crypto, {})
  const { prev: _, ...first } = about
  const subjects: Subject[] = [
    { ...about, phase: 'apply' },
    { ...about, ledger: another },
    { ...about, epoch: 1 },
    { ...about, committee: another },
    { ...about, account: didOf('eve') },
    { ...about, seq: 3 },
    { ...about, prev: another },
    { ...about, transfer: another },
    first,
  ]
  for (const one of subjects) expect(seen.isOwn(one, attestations[0]!)).toBe(false)
  const { batch: place, ...alone } = attestations[0]!
  expect(seen.isOwn(about, alone)).toBe(false)
  const signed = { ledger: OTHER, epoch: 0, validator: did, key: signer.didKey, signature }
  const tree = knownTree(crypto, { root: fromBytes(batch.head.root), count: 1 })
  seen.checked.add({ ...signed, head: place! }, tree)
  expect(seen.checked.find({ ...signed, head: batch.head })).toBe(tree)
  const others = [
    { ledger: another },
    { epoch: 1 },
    { validator: didOf('eve') },
    { key: 'did:key' },
  ]
  for (const more of others) {
    expect(seen.checked.find({ ...signed, ...more, head: batch.head })).toBeUndefined()
  }
})

test('heads are remembered up to so many nodes, and the oldest is forgotten first', () => {
  const validator = payer('validator')
  const checked = checkedBatches()
  const by = { validator: validator.did, senderKey: validator.signer.didKey, observedAt: '' }
  const about = {
    phase: 'lock',
    ledger: OTHER,
    epoch: 0,
    committee: OTHER,
    transfer: OTHER,
  } as const
  const head = (number: number) => {
    const entry = { about: { ...about, account: validator.did, seq: number }, by }
    const batch = makeBatch(crypto, { number }, [entry])
    const { signature } = batch.sign(validator.signer)
    const { did, signer } = validator
    const named = { ledger: OTHER, epoch: 0, validator: did, key: signer.didKey }
    return { ...named, signature, head: { ...batch.head, count: 500 } }
  }
  const tree = knownTree(crypto, { root: new Uint8Array(32), count: 500 })
  const heads = Array.from({ length: 300 }, (_, at) => head(at + 1))
  for (const one of heads) checked.add(one, tree)
  expect(checked.find(heads[0]!)).toBeUndefined()
  expect(heads.filter((one) => checked.find(one)).length).toBeGreaterThan(200)
  expect(checked.find(heads.at(-1)!)).toBe(tree)
})
