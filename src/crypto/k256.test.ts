import { Secp256k1Keypair } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { parseDidKey } from './did-key.ts'
import { loadK256Backend, opensslBackend } from './k256.ts'
import { flipS, isLowS } from './low-s.ts'

const secret = Buffer.alloc(32, 7)
const text = Buffer.from('what was signed')
const reference = await Secp256k1Keypair.import(secret)
const point = parseDidKey(reference.did())?.point ?? new Uint8Array()

test('without the native library node:crypto signs with a low s that the other one accepts', () => {
  const signer = opensslBackend.signer(secret)
  const verify = loadK256Backend().verifier(point)
  for (let round = 0; round < 20; round += 1) {
    const signature = signer.sign(text)
    expect(isLowS('k256', signature)).toBe(true)
    expect(verify?.(text, signature)).toBe(true)
  }
})

test('without the native library high s and changed bytes are refused as well', async () => {
  const verify = opensslBackend.verifier(point)
  const signature = await reference.sign(text)
  expect(verify?.(text, signature)).toBe(true)
  expect(verify?.(text, flipS('k256', signature))).toBe(false)
  expect(verify?.(Buffer.from('else'), signature)).toBe(false)
  expect(verify?.(text, new Uint8Array(64).fill(0xff))).toBe(false)
})

test('both libraries refuse a point that is not on the curve', () => {
  const off = new Uint8Array(33).fill(0xff)
  expect(opensslBackend.verifier(off)).toBeUndefined()
  expect(loadK256Backend().verifier(off)).toBeUndefined()
})
