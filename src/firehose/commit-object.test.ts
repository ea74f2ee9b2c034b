import { encode, toBytes } from '@atcute/cbor'
import { Secp256k1Keypair } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { readCommit } from './commit-object.ts'
import { EMPTY_TREE, linkOf } from './mst-node.ts'

const key = await Secp256k1Keypair.create()
const now = new Date('2026-01-01T00:00:00.000Z')
const rev = '3l4qc3hq7c22v'
const dids = ['did:web:a', `did:web:${'a'.repeat(15)}`, `did:web:${'a'.repeat(16)}`]
const long = [247, 248, 1000].map((length) => `did:web:${'a'.repeat(length)}`)

test('what was signed is found in the block, however long the DID is', async () => {
  for (const did of [...dids, ...long]) {
    for (const prev of [null, linkOf(EMPTY_TREE)]) {
      expect(read(did, await blockOf({ ...fields(did), prev }))).toMatchObject({ ok: true, rev })
    }
  }
})

test('a commit that is signed, but not in the one way to write it, is refused', async () => {
  const [did = ''] = dids
  expect(read(did, await blockOf(fields(did), fraction))).toMatchObject({ reason: 'BadCommit' })
  const spread = (bytes: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, 1), Buffer.of(0x78, 3), bytes.subarray(2)])
  expect(read(did, await blockOf(fields(did), spread))).toMatchObject({ reason: 'BadCommit' })
})

test('a commit followed by anything is refused', async () => {
  const [did = ''] = dids
  const block = await blockOf(fields(did))
  const more = Buffer.concat([block, Buffer.of(3)])
  expect(read(did, more)).toMatchObject({ reason: 'BadCommit' })
})

function fields(did: string) {
  return { did, version: 3, data: linkOf(EMPTY_TREE), rev, prev: null }
}

/** A signed block; `write` changes the bytes of what is signed and of the block alike. */
async function blockOf(unsigned: object, write = (bytes: Uint8Array) => bytes) {
  const sig = toBytes(await key.sign(write(encode(unsigned))))
  return write(encode({ ...unsigned, sig }))
}

/** The version, which is last, as the fraction 3.0. */
function fraction(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from('fb4008000000000000', 'hex')])
}

function read(did: string, block: Uint8Array) {
  return readCommit(block, { did, signingKey: key.did() }, now)
}
