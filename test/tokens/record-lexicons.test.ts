import { readFileSync } from 'node:fs'
import { toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { readRecord } from '../../src/appview/data-model.ts'
import { collections } from '../../src/appview/collections/index.ts'
import { rowOf } from '../../src/appview/verify-record.ts'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { BATCH, makeBatch } from '../../src/tokens/attestation.ts'
import { co } from '../../src/lexicons/index.ts'
import { cidOfBytes, encodeRecord } from '../../src/tokens/encoding.ts'
import { signEpoch } from '../../src/tokens/epoch.ts'
import { witnessContent } from '../../src/tokens/pool-rules.ts'
import { sealEpoch } from '../../src/tokens/seal.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { approve, witness } from '../../src/tokens/worth/endorsement.ts'
import { personsOf, snapshotOf } from '../../src/tokens/worth/personhood.ts'
import { readSnapshot } from '../../src/validator/read-snapshot.ts'
import { rev } from '../record.ts'
import {
  GOVERNANCE,
  NOON,
  applyWith,
  didOf,
  firstEpoch,
  foundTown,
  lockWith,
  orderOf,
  payer,
} from './town.ts'

const LEDGER = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const [BEN, EVE] = [didOf('ben'), didOf('eve')]
const ref = (cid: string) => ({ uri: `at://${BEN}/co.kendev.karma.award/3m6bkl2222222`, cid })

/** Whether a record that the core has made is one that its lexicon describes. */
function isDescribed(nsid: string, bytes: Uint8Array): true | string {
  const decoded = readRecord(bytes)
  if ('reason' in decoded) return decoded.reason
  const { schema } = collections.find((c) => c.nsid === nsid)!
  const checked = schema.safeValidate(decoded.value)
  return checked.success || checked.reason.message
}

type Lexicon = {
  readonly defs: { readonly main: { readonly record: { required: string[]; properties: object } } }
}

function lexicon(nsid: string) {
  const path = `lexicons/co.kendev.tokens/${nsid.split('.').at(-1)}.json`
  return (JSON.parse(readFileSync(path, 'utf8')) as Lexicon).defs.main.record
}

/** The names of the fields of a record of the core that its lexicon does not know. */
function unknownFields({ $type, ...record }: { readonly $type: string }): string[] {
  const known = Object.keys(lexicon($type).properties)
  return Object.keys(record).filter((name) => !known.includes(name))
}

async function oneOfEach() {
  const town = await foundTown(4, [{ kind: 'karma_reward', amount: 1_000_000, pool: EVE }])
  const ada = payer('ada')
  const { genesis, crypto } = town
  const id = genesis.id
  const signature = toBytes(p256Signer().sign(new Uint8Array(36)))
  const full: Transfer = orderOf(town, ada, {
    credits: [
      { to: BEN, amount: 1, role: 'creator' },
      { to: EVE, amount: 9_000_000_000_000, role: 'fee' },
    ],
    kind: 'cross_tenant_exchange',
    seq: 999_999_999_999,
    prev: id,
    splitPolicy: 'sale',
    ref: ref(id),
    evidence: [ref(id)],
    witnesses: [{ did: BEN, signature }],
    contribution: 'mentorship',
    memo: id,
    exchange: { quote: ref(id), leg: 'paid' },
    fromTenant: BEN,
    toTenant: EVE,
    validUntil: NOON,
    signatures: [{ $type: 'co.kendev.tokens.defs#approval', did: BEN, signature }],
  }).transfer
  const order = orderOf(await foundTown(4, []), ada, { credits: [{ to: BEN, amount: 5 }] })
  const paying = await foundTown(4, [{ kind: 'system_grant', amount: 9, to: ada.did }], {
    batched: true,
  })
  const paid = orderOf(paying, ada, { credits: [{ to: BEN, amount: 5 }] })
  const lock = await lockWith(paid, paying.members)
  const apply = await applyWith(paid, lock, paying.members)
  const [member] = paying.members
  const committee = { ledger: id, epoch: 0, id, quorum: 3, keys: new Map([[BEN, ada.did]]) }
  const { attestations, ...about } = lock
  const by = attestations[0]!
  const entry = { about, by: { ...by, validator: BEN } }
  const batch = makeBatch(crypto, { number: 2, previous: id }, [entry])
  const { signature: batchSignature } = batch.sign(ada.signer)
  const { seal } = sealEpoch(crypto, ada.signer, {
    committee,
    validator: member!.did,
    transfers: [{ account: BEN, seq: 1, transfer: id }],
    participation: [{ validator: BEN, slots: 3 }],
    now: NOON,
  })
  const root = toBytes(new Uint8Array(32))
  const next = firstEpoch([{ did: BEN, key: ada.signer.didKey }], genesis.epoch.grants, {
    epoch: 1,
    ledger: id,
    prev: id,
    personhood: id,
    grants: [
      {
        kind: 'justice_fund',
        amount: 5,
        pool: EVE,
        perTransferCap: 1,
        perRecipientCap: 0,
        bucketCaps: [0, 1, 2, 3, 4, 5],
        witnesses: 2,
        approvers: [{ did: BEN, key: ada.signer.didKey }],
        approvals: 1,
      },
      { kind: 'system_grant', amount: 5, to: BEN },
    ],
    params: {
      ...genesis.epoch.params,
      feeAccount: GOVERNANCE,
      splits: [
        {
          name: 'sale',
          legs: [
            { role: 'creator', basisPoints: 9_000 },
            { role: 'platform', basisPoints: 1_000, to: EVE },
          ],
          residual: 'platform',
        },
      ],
    },
    handover: {
      seals: [{ validator: BEN, cid: id }],
      stateRoot: root,
      settledRoot: root,
      settledCount: 1,
      supply: 5,
      burned: 0,
    },
    signatures: [signEpoch(ada.signer, BEN, id)],
  })
  const batchRecord = {
    $type: BATCH,
    ledger: id,
    epoch: 0,
    validator: BEN,
    ...batch.head,
    signature: batchSignature,
  }
  return [genesis.epoch, next, full, order.transfer, lock, apply, seal, batchRecord]
}

test('what the core makes is what the lexicons describe, to the last field', async () => {
  const records = await oneOfEach()
  const told = records.map((record) => isDescribed(record.$type, encodeRecord(record)))
  expect(told).toEqual(records.map(() => true))
  expect(records.flatMap((record) => unknownFields(record))).toEqual([])
})

test('what the core makes is accepted into the views', async () => {
  for (const record of await oneOfEach()) {
    const c = collections.find(({ nsid }) => nsid === record.$type)!
    const number = 'seq' in record ? String(record.seq).padStart(12, '0') : record.epoch
    const at = { did: didOf('ada'), collection: c.nsid, rkey: `at.${number}`, rev: rev(2) }
    const found = rowOf(c, { ...at, cid: '', bytes: encodeRecord(record) })
    expect([c.nsid, 'reason' in found && found]).toEqual([c.nsid, false])
  }
})

test('a record with a field too little, or of another kind, is none', async () => {
  for (const record of await oneOfEach()) {
    const { $type: nsid, ...fields } = record
    for (const name of Object.keys(fields)) {
      const { [name]: _, ...less } = record as Record<string, unknown>
      const isNeeded = lexicon(nsid).required.includes(name)
      expect([nsid, name, isDescribed(nsid, encodeRecord(less)) !== true]).toEqual([
        nsid,
        name,
        isNeeded,
      ])
      expect(isDescribed(nsid, encodeRecord({ ...record, [name]: -1 }))).not.toBe(true)
    }
  }
})

/** What a part of a record is by its lexicon: described, or the first fault. */
function isPart(name: 'witness' | 'person', value: object): true | string {
  const decoded = readRecord(encodeRecord(value))
  if ('reason' in decoded) return decoded.reason
  const checked = co.kendev.tokens.defs[name].safeValidate(decoded.value)
  return checked.success || checked.reason.message
}

function fieldsOf(name: 'witness' | 'person'): { all: string[]; required: string[] } {
  type Part = { required: string[]; properties: object }
  const path = 'lexicons/co.kendev.tokens/defs.json'
  const { defs } = JSON.parse(readFileSync(path, 'utf8')) as { defs: Record<string, Part> }
  const { required, properties } = defs[name]!
  return { all: Object.keys(properties), required }
}

test('what a witness signs is what its lexicon describes, to the last field', async () => {
  const [, , full] = await oneOfEach()
  const wide = full as Transfer
  const eight = <T>(one: T): T[] => Array.from({ length: 8 }, () => one)
  const most = { ...wide, credits: eight(wide.credits[1]!), evidence: eight(wide.evidence![0]!) }
  const { evidence: _, ...bare } = wide
  for (const transfer of [wide, most, bare]) {
    const { $type, ...content } = witnessContent(EVE, transfer, BEN)
    expect($type).toBe(`${co.kendev.tokens.defs.$nsid}#witness`)
    expect(isPart('witness', content)).toBe(true)
    const { all, required } = fieldsOf('witness')
    expect([all.toSorted(), required.toSorted()]).toEqual(
      [content, content].map((one) => Object.keys(one).toSorted()),
    )
  }
})

test('persons of a snapshot are what their lexicon describes, and neither side takes more', () => {
  const { crypto, key } = { crypto: nativeCrypto, key: p256Signer().didKey }
  const long = `did:web:${'a'.repeat(248)}`
  const persons = personsOf({
    seeds: [BEN],
    vouches: [
      { from: BEN, to: long },
      { from: long, to: EVE },
    ],
    keys: new Map([[EVE, key]]),
  })
  expect(persons).toHaveLength(3)
  const isTaken = (one: object): boolean => {
    const record = encodeRecord({ ...snapshotOf(3, []), persons: [one] })
    return 'persons' in readSnapshot(crypto, record, cidOfBytes(crypto, record))
  }
  for (const one of persons) {
    expect([isPart('person', one), isTaken(one)]).toEqual([true, true])
    expect(Object.keys(one).filter((name) => !fieldsOf('person').all.includes(name))).toEqual([])
  }
  const person = { did: EVE, key, bucket: 0, cluster: `did:web:${'a'.repeat(56)}` }
  for (const bucket of [0, 5]) expect(isPart('person', { ...person, bucket })).toBe(true)
  for (const more of [
    { bucket: 6 },
    { bucket: -1 },
    { cluster: `${person.cluster}a` },
    { did: 1 },
  ]) {
    const other = { ...person, ...more }
    expect([isPart('person', other) === true, isTaken(other)]).toEqual([false, false])
  }
  expect(fieldsOf('person').required.toSorted()).toEqual(['bucket', 'cluster', 'did'])
  const snapshot = snapshotOf(1_000_000_000, persons, LEDGER)
  expect(isDescribed(snapshot.$type, encodeRecord(snapshot))).toBe(true)
  expect(unknownFields(snapshot)).toEqual([])
})

test('what witnesses and approvers say is what its lexicon describes, to the last field', async () => {
  const town = await foundTown(4, [])
  const by = { did: BEN, signer: p256Signer(), now: NOON }
  const order = orderOf(town, payer('ada'), { credits: [{ to: EVE, amount: 5 }] })
  for (const word of [witness(town.crypto, order, by), approve(order, by)]) {
    expect(isDescribed(word.$type, encodeRecord(word))).toBe(true)
    expect(unknownFields(word)).toEqual([])
    expect(Object.keys(word).length - 1).toBe(lexicon(word.$type).required.length)
  }
})
