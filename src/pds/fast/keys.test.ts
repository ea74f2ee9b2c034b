import { randomBytes } from 'node:crypto'
import { Secp256k1Keypair, verifySignature } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { NativeKeypair } from './keys.ts'

test('the native keypair signs the very bytes that the package signs', async () => {
  for (let round = 0; round < 20; round++) {
    const secret = randomBytes(32)
    const message = randomBytes(150)
    const native = new NativeKeypair(secret)
    const theirs = await Secp256k1Keypair.import(secret)
    const signature = await native.sign(message)
    expect(native.did()).toBe(theirs.did())
    expect(Buffer.from(signature)).toEqual(Buffer.from(await theirs.sign(message)))
    expect(await verifySignature(native.did(), message, signature)).toBe(true)
  }
})
