import { expect, test } from 'vitest'
import { didOf, payer } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { cidOfBytes, encodeRecord } from '../tokens/encoding.ts'
import { PERSONHOOD, PERSONS_MAX, personsOf, snapshotOf } from '../tokens/worth/personhood.ts'
import { pinnedPersons } from './open-validator.ts'
import { readSnapshot } from './read-snapshot.ts'

const LEDGER = cidOfBytes(crypto, new Uint8Array(1))
const [ADA, BEN, CLEO] = ['ada', 'ben', 'cleo'].map(payer)
const one = ({ did, signer }: typeof ADA & object, more: object = {}) => ({
  did,
  key: signer.didKey,
  bucket: 3,
  cluster: did,
  ...more,
})
const GOOD = [one(ADA!), one(BEN!), one(CLEO!)]
const record = (persons: readonly object[], more: object = {}) =>
  encodeRecord({ $type: PERSONHOOD, ledger: LEDGER, epoch: 2, persons, ...more })
const read = (bytes: Uint8Array) => readSnapshot(crypto, bytes, cidOfBytes(crypto, bytes))

test('a snapshot is read by person, as it was made', () => {
  const seeds = [ADA!.did]
  const vouches = [{ from: ADA!.did, to: BEN!.did }]
  const persons = personsOf({ seeds, vouches, keys: new Map([[BEN!.did, BEN!.signer.didKey]]) })
  const found = read(encodeRecord(snapshotOf(2, persons, LEDGER)))
  expect(found).toMatchObject({ ok: true, persons: new Map(persons.map((p) => [p.did, p])) })
  expect(read(encodeRecord(snapshotOf(0, [])))).toMatchObject({ ok: true })
})

test('a snapshot that is not the one pinned is none', () => {
  const found = readSnapshot(crypto, record(GOOD), LEDGER)
  expect(found).toMatchObject({ reason: 'WrongPersonhood' })
})

const bad: [string, Uint8Array, string][] = [
  ['persons out of order', record(GOOD.toReversed()), 'WrongPersonhood'],
  [
    'a person twice',
    record([one(ADA!), one(ADA!, { key: BEN!.signer.didKey })]),
    'WrongPersonhood',
  ],
  [
    'two persons with one key, who would be two witnesses',
    record([one(ADA!), one(BEN!, { key: ADA!.signer.didKey })]),
    'WrongPersonhood',
  ],
  ['a bucket above 5', record([one(ADA!, { bucket: 6 })]), 'Malformed'],
  ['a bucket below 0', record([one(ADA!, { bucket: -1 })]), 'Malformed'],
  ['half a bucket', record([one(ADA!, { bucket: 1.5 })]), 'Malformed'],
  ['a cluster that is no DID', record([one(ADA!, { cluster: 'north' })]), 'Malformed'],
  [
    'a cluster longer than any is',
    record([one(ADA!, { cluster: `did:web:${'a'.repeat(57)}` })]),
    'Malformed',
  ],
  ['a DID in another spelling', record([one(ADA!, { did: 'did:PLC:ada' })]), 'Malformed'],
  ['a key that is none', record([one(ADA!, { key: 'zDna' })]), 'Malformed'],
  ['a field that nobody knows', record([one(ADA!, { name: 'Ada' })]), 'Malformed'],
  ['a person without a bucket', record([{ did: didOf('x'), cluster: didOf('x') }]), 'Malformed'],
  ['an epoch that no epoch has', record(GOOD, { epoch: 1_000_000_001 }), 'Malformed'],
  [
    'more persons than a snapshot holds',
    record(Array.from({ length: PERSONS_MAX + 1 }, () => ({}))),
    'Malformed',
  ],
  ['more bytes than anybody takes', new Uint8Array(800_001), 'TooLarge'],
]
test.each(bad)('refused: a snapshot with %s', (_, bytes, reason) => {
  expect(read(bytes)).toMatchObject({ ok: false, reason })
})

test('an epoch takes no snapshot of another ledger or of an epoch to come', () => {
  const pinned = (bytes: Uint8Array, epoch: number) =>
    pinnedPersons(crypto, { epoch, ledger: LEDGER, personhood: cidOfBytes(crypto, bytes) }, bytes)
  expect(pinned(record(GOOD), 2)).toHaveProperty('size', 3)
  expect(pinned(record(GOOD), 3)).toHaveProperty('size', 3)
  const WRONG = { reason: 'WrongPersonhood' }
  expect(pinned(record(GOOD), 1)).toMatchObject(WRONG)
  const other = cidOfBytes(crypto, new Uint8Array(2))
  expect(pinned(record(GOOD, { ledger: other }), 2)).toMatchObject(WRONG)
  expect(pinnedPersons(crypto, { epoch: 2, personhood: LEDGER }, undefined)).toMatchObject(WRONG)
  expect(pinnedPersons(crypto, { epoch: 2, ledger: LEDGER }, undefined)).toHaveProperty('size', 0)
})

test('the largest snapshot there may be fits what anybody takes', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const long = (n: number) => `${letters[n % 26]}${letters[Math.trunc(n / 26) % 26]}`
  const persons = Array.from({ length: PERSONS_MAX }, (_, n) => {
    const did = didOf(`${long(Math.trunc(n / 676))}${long(n)}`.padEnd(24, 'a'))
    return { did, key: ADA!.signer.didKey, bucket: 5, cluster: did }
  })
  expect(encodeRecord(snapshotOf(1, persons, LEDGER)).length).toBeLessThanOrEqual(800_000)
})
