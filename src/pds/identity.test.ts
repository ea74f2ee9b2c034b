import { Secp256k1Keypair } from '@atproto/crypto'
import { isValidDid } from '@atproto/syntax'
import { getKey, getPds } from '@atproto/identity'
import { expect, test } from 'vitest'
import { didDocument, serviceDid } from './identity.ts'

test('the DID of a node carries its port in development only', () => {
  expect(serviceDid('localhost', 2583, true)).toBe('did:web:localhost%3A2583')
  expect(serviceDid('node.example', 2583, false)).toBe('did:web:node.example')
  expect(isValidDid(serviceDid('localhost', 2583, true))).toBe(true)
})

test('resolvers read the key and the endpoint of a node from its document', async () => {
  const key = await Secp256k1Keypair.create()
  const document = didDocument({
    did: 'did:web:node.example',
    publicUrl: 'https://node.example',
    serviceKey: key.did(),
    validatorKey: 'did:key:zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb',
  })
  expect(getKey(document)).toBe(key.did())
  expect(getPds(document)).toBe('https://node.example')
  expect(document.alsoKnownAs).toEqual([])
  expect(document.verificationMethod[1]).toEqual({
    id: 'did:web:node.example#angelos_validator',
    type: 'Multikey',
    controller: 'did:web:node.example',
    publicKeyMultibase: 'zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb',
  })
})

test('the document of a node that only validates says where it does, and names no AppView', () => {
  const node = {
    did: 'did:web:node.example',
    publicUrl: 'https://node.example',
    serviceKey: 'did:key:zService',
    validatorKey: 'did:key:zValidator',
  }
  const services = (validatesOnly: boolean) =>
    didDocument({ ...node, validatesOnly }).service.map(({ id }) => id)
  expect(services(true)).toEqual(['#atproto_pds', '#angelos_validator'])
  expect(services(false)).toContain('#angelos_appview')
})
