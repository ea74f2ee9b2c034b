import { expect, test } from 'vitest'
import { p256Signer } from '../crypto/p256.ts'
import type { Identity } from '../identity/identity.ts'
import { methodsOf } from './wallet-key.ts'

const ID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const method = (name: string, type: string, publicKeyMultibase: string) => ({
  id: `${ID}#${name}`,
  type,
  controller: ID,
  publicKeyMultibase,
})
const identity = (...verificationMethod: ReturnType<typeof method>[]) =>
  ({ signingKey: 'did:key:zQ3s', document: { id: ID, verificationMethod } }) as unknown as Identity

test('an operation that adds a key repeats all that are there', () => {
  const old = method('atproto', 'EcdsaSecp256k1VerificationKey2019', 'zOld')
  const label = p256Signer().didKey
  const there = method('label', 'Multikey', label.slice('did:key:'.length))
  expect(methodsOf(identity(old, there))).toEqual({ atproto: 'did:key:zQ3s', label })
})

test('a key that an operation could not repeat is not lost by one', () => {
  const strange = method('other', 'JsonWebKey2020', 'zOther')
  expect(() => methodsOf(identity(strange))).toThrow('cannot repeat')
})
