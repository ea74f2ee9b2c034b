import { P256Keypair, verifySignature as reference } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { signerFromPrivateKey, verifySignature } from './ecdsa.ts'
import { flipS } from './low-s.ts'
import { p256Signer, verifyEitherS } from './p256.ts'

const bytes = Buffer.from('what was signed')
const signer = p256Signer()
const signature = signer.sign(bytes)

test('a signature of a fresh P-256 key holds here and in the reference library', async () => {
  expect(verifySignature({ didKey: signer.didKey, bytes, signature })).toBe(true)
  expect(await reference(signer.didKey, bytes, signature)).toBe(true)
  expect(p256Signer().didKey).not.toBe(signer.didKey)
})

test('a given private key has the name the reference library gives it', async () => {
  const key = Buffer.alloc(32, 7)
  const pair = await P256Keypair.import(key)
  expect(p256Signer(key).didKey).toBe(pair.did())
  expect(() => p256Signer(Buffer.alloc(32, 0xff))).toThrow('Private key is not valid')
})

test('either s is taken where a high one may be, and nothing else', () => {
  const check = { didKey: signer.didKey, bytes, signature }
  const high = flipS('p256', signature)
  expect(verifyEitherS(check)).toBe(true)
  expect(verifyEitherS({ ...check, signature: high })).toBe(true)
  expect(verifySignature({ ...check, signature: high })).toBe(false)
  expect(verifyEitherS({ ...check, bytes: Buffer.from('other') })).toBe(false)
  expect(verifyEitherS({ ...check, didKey: p256Signer().didKey })).toBe(false)
  expect(verifyEitherS({ ...check, signature: signature.subarray(1) })).toBe(false)
  expect(verifyEitherS({ ...check, signature: new Uint8Array(64) })).toBe(false)
  expect(verifyEitherS({ ...check, didKey: 'did:key:zQ3' })).toBe(false)
})

test('a key of the other curve signs nothing here', () => {
  const k256 = signerFromPrivateKey(Buffer.alloc(32, 7))
  const check = { didKey: k256.didKey, bytes, signature: k256.sign(bytes) }
  expect(verifySignature(check)).toBe(true)
  expect(verifyEitherS(check)).toBe(false)
})
