import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../test/tokens/town.ts'
import { parseDidKey } from '../crypto/did-key.ts'
import { isLowS } from '../crypto/low-s.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { p256Signer } from '../crypto/p256.ts'
import { decodeBase58, encodeBase58 } from './base58.ts'
import { deviceKeyOf, makeKeyPair, signTransfer } from './device-key.ts'
import { cidOf, encodeRecord } from './encoding.ts'
import { isRefusal } from './refusal.ts'
import { TRANSFER, checkSpend, readTransfer } from './transfer.ts'

const { subtle } = globalThis.crypto
const pair = await makeKeyPair(subtle)
const key = await deviceKeyOf(subtle, pair)

test('the private half of a device key cannot be read out', async () => {
  await expect(subtle.exportKey('jwk', pair.privateKey)).rejects.toThrow(/not extractable/)
  await expect(subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow(/not extractable/)
})

test('what it signs is good for the validators, each time', async () => {
  const bytes = Uint8Array.from([1, 2, 3])
  for (let n = 0; n < 40; n += 1) {
    const signature = await key.sign(bytes)
    expect(isLowS('p256', signature)).toBe(true)
    expect(nativeCrypto.verify({ didKey: key.didKey, bytes, signature })).toBe(true)
  }
})

test('a transfer that it signs is the same transfer, and is spent by that key only', async () => {
  const made = readTransfer(
    nativeCrypto,
    didOf('ada'),
    encodeRecord({
      $type: TRANSFER,
      ledger: cidOf(nativeCrypto, { some: 'epoch' }),
      epoch: 0,
      seq: 1,
      kind: 'peer_recognition',
      credits: [{ to: didOf('ben'), amount: 5 }],
      createdAt: '2026-11-28T12:00:00.000Z',
      signatures: [],
    }),
  )
  if (isRefusal(made)) throw new Error(made.detail)
  const signed = await signTransfer(nativeCrypto, made, key)
  if (isRefusal(signed)) throw new Error(signed.detail)
  expect(signed.id).toBe(made.id)
  expect(checkSpend(nativeCrypto, signed, key.didKey)).toBeUndefined()
  const other = p256Signer().didKey
  expect(checkSpend(nativeCrypto, signed, other)).toMatchObject({ reason: 'SpendSignatureMissing' })
  const again = await signTransfer(nativeCrypto, signed, key)
  expect(again).toMatchObject({ transfer: { signatures: { length: 1 } } })
})

test('a key is named as everybody names it', () => {
  const { didKey } = p256Signer()
  const { point } = parseDidKey(didKey)!
  const bytes = Uint8Array.from([0x80, 0x24, ...point])
  expect(`did:key:z${encodeBase58(bytes)}`).toBe(didKey)
  expect(parseDidKey(key.didKey)?.curve).toBe('p256')
})

test('base58 gives any bytes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(decodeBase58(encodeBase58(bytes))).toEqual(bytes)
    }),
  )
  expect(encodeBase58(Uint8Array.from([0, 0, 1]))).toBe('112')
  expect(decodeBase58('0')).toBeUndefined()
})
