import { P256Keypair } from '@atproto/crypto'
import { bytesToMultibase } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { methodKey } from './method-key.ts'

const key = await P256Keypair.create()
const method = (type: string, publicKeyMultibase?: string) => ({
  id: '#angel',
  controller: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa',
  type,
  ...(publicKeyMultibase !== undefined && { publicKeyMultibase }),
})

test('a key is read as a Multikey and in the form of older directories', () => {
  const multikey = key.did().slice('did:key:'.length)
  expect(methodKey(method('Multikey', multikey))).toBe(key.did())
  const old = bytesToMultibase(key.publicKeyBytes(), 'base58btc')
  expect(methodKey(method('EcdsaSecp256r1VerificationKey2019', old))).toBe(key.did())
})

test('what holds no key that can be read is none', () => {
  expect(methodKey(method('Multikey'))).toBeUndefined()
  expect(methodKey(method('Multikey', 'zNothing'))).toBeUndefined()
  expect(methodKey(method('Multikey', 'f00'))).toBeUndefined()
  expect(methodKey(method('JsonWebKey2020', 'zOther'))).toBeUndefined()
})
