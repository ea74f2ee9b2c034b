import { encode } from '@atcute/cbor'
import { Secp256k1Keypair } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { verifyRecordProof } from '../../src/firehose/proof.ts'
import { FakeRepo, type Tampering, cidOf } from './fake-repo.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const COLLECTION = 'co.kendev.test.note'
const repo = await FakeRepo.create(
  DID,
  Array.from({ length: 50 }, (_, index) => ({
    action: 'create' as const,
    collection: COLLECTION,
    rkey: `note${index}`,
    record: { text: `note ${index}` },
  })),
)

test('a record is proved with its CID, its bytes and the revision of the repo', async () => {
  const bytes = encode({ text: 'note 7' })
  const proof = await prove('note7')
  expect(proof).toMatchObject({ ok: true, cid: cidOf(bytes).$link })
  if (!proof.ok || proof.cid === null) throw new Error('not proved')
  expect(Buffer.from(proof.bytes)).toEqual(Buffer.from(bytes))
  expect(proof.rev).toMatch(/^[2-7a-j][2-7a-z]{12}$/u)
})

test('the absence of a record is proved', async () => {
  expect(await prove('nothing')).toMatchObject({ ok: true, cid: null })
})

test('a proof for one record proves neither another one nor its absence', async () => {
  const car = await repo.proof(COLLECTION, 'note7')
  const of = (rkey: string) => verifyRecordProof({ ...question(rkey), car })
  const others = Array.from({ length: 50 }, (_, index) => `note${index}`)
    .filter((rkey) => rkey !== 'note7')
    .map(of)
  expect(others.filter((proof) => proof.ok)).toEqual([])
  const reasons = others.map((proof) => (proof.ok ? '' : proof.reason))
  expect(new Set(reasons)).toEqual(new Set(['MissingTreeNode', 'MissingRecord']))
})

test('a proof of another account, by another key or without a block is refused', async () => {
  const stranger = await Secp256k1Keypair.create()
  expect(await prove('note7', { key: stranger })).toMatchObject({ reason: 'BadSignature' })
  const other = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
  const spoofed = {
    parts: (parts: { unsigned: { did: string } }) => void (parts.unsigned.did = other),
  }
  expect(await prove('note7', spoofed)).toMatchObject({ reason: 'WrongDid' })
  const car = await repo.proof(COLLECTION, 'note7')
  expect(verifyRecordProof({ ...question('note7'), did: other, car })).toMatchObject({
    reason: 'WrongDid',
  })
  const record = cidOf(encode({ text: 'note 7' })).$link
  expect(
    await prove('note7', { parts: (parts) => void parts.blocks.delete(record) }),
  ).toMatchObject({ reason: 'MissingRecord' })
  expect(
    await prove('note7', { parts: (parts) => void parts.blocks.delete(parts.unsigned.data.$link) }),
  ).toMatchObject({ reason: 'MissingTreeNode' })
})

test('a proof that is noise or too large is refused', () => {
  const of = (car: Uint8Array) => verifyRecordProof({ ...question('note7'), car })
  expect(of(Buffer.alloc(100, 0x5a))).toMatchObject({ reason: 'BadCar' })
  expect(of(new Uint8Array(0))).toMatchObject({ reason: 'BadCar' })
  expect(of(Buffer.alloc(2_000_001))).toMatchObject({ reason: 'BlocksTooLarge' })
})

async function prove(rkey: string, tampering?: Tampering) {
  const car = await repo.proof(COLLECTION, rkey, tampering)
  return verifyRecordProof({ ...question(rkey), car })
}

function question(rkey: string) {
  return { did: DID, collection: COLLECTION, rkey, identity: repo.identity() }
}
