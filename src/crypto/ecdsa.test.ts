import { createPrivateKey, sign as opensslSign } from 'node:crypto'
import * as atproto from '@atproto/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signerFromPrivateKey, verifySignature } from './ecdsa.ts'
import { flipS, isLowS } from './low-s.ts'

const privateKey = Buffer.from(
  '9085d2bef69286a6cbb51623c8fa258629945cd55ca705cc4e66700396894e0c',
  'hex',
)
const text = Buffer.from('what was signed')
const k256 = await atproto.Secp256k1Keypair.import(privateKey, { exportable: true })
const p256 = await atproto.P256Keypair.import(privateKey, { exportable: true })
const pairs = [
  { curve: 'k256', pair: k256 },
  { curve: 'p256', pair: p256 },
] as const

for (const { curve, pair } of pairs) {
  test(`a ${curve} signature made by the reference library is accepted`, async () => {
    const signature = await pair.sign(text)
    expect(verifySignature({ didKey: pair.did(), bytes: text, signature })).toBe(true)
  })

  test(`a ${curve} signature over other bytes or by another key is refused`, async () => {
    const signature = await pair.sign(text)
    const other = Buffer.from('something else')
    expect(verifySignature({ didKey: pair.did(), bytes: other, signature })).toBe(false)
    const stranger = curve === 'k256' ? p256 : k256
    expect(verifySignature({ didKey: stranger.did(), bytes: text, signature })).toBe(false)
  })

  test(`a ${curve} signature with a high s is refused though the curve would take it`, async () => {
    const high = flipS(curve, await pair.sign(text))
    expect(isLowS(curve, high)).toBe(false)
    expect(verifySignature({ didKey: pair.did(), bytes: text, signature: high })).toBe(false)
    const opts = { allowMalleableSig: true }
    expect(await atproto.verifySignature(pair.did(), text, high, opts)).toBe(true)
  })

  test(`a ${curve} signature in DER or of any other length is refused`, async () => {
    const crv = curve === 'k256' ? 'secp256k1' : 'P-256'
    const didKey = pair.did()
    const parsed = atproto.parseDidKey(didKey).keyBytes
    const key = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv,
        x: Buffer.from(parsed.subarray(1, 33)).toString('base64url'),
        y: Buffer.from(parsed.subarray(33)).toString('base64url'),
        d: privateKey.toString('base64url'),
      },
    })
    const der = opensslSign('sha256', text, key)
    expect(verifySignature({ didKey, bytes: text, signature: der })).toBe(false)
    const compact = await pair.sign(text)
    for (const signature of [compact.subarray(1), Buffer.concat([compact, Buffer.from([0])])]) {
      expect(verifySignature({ didKey, bytes: text, signature })).toBe(false)
    }
    expect(verifySignature({ didKey, bytes: text, signature: new Uint8Array(0) })).toBe(false)
  })

  test(`${curve} signatures of zeros or of the largest numbers are refused`, () => {
    for (const fill of [0, 1, 0x7f, 0xff]) {
      const signature = new Uint8Array(64).fill(fill)
      expect(verifySignature({ didKey: pair.did(), bytes: text, signature })).toBe(false)
    }
  })
}

test('a key that is not a did:key of the two curves is refused and never throws', async () => {
  const signature = await k256.sign(text)
  const notOnCurve = Buffer.concat([atproto.SECP256K1_DID_PREFIX, Buffer.alloc(33, 0xff)])
  const keys = [
    '',
    'did:plc:abc',
    'did:key:',
    'did:key:z',
    'did:key:z0OIl',
    `did:key:z${'1'.repeat(1_000_000)}`,
    `did:key:${atproto.bytesToMultibase(notOnCurve, 'base58btc')}`,
    `did:key:${atproto.bytesToMultibase(new Uint8Array(35), 'base58btc')}`,
    k256.did().slice(0, -1),
  ]
  for (const didKey of keys) {
    expect(verifySignature({ didKey, bytes: text, signature })).toBe(false)
  }
})

test('our k256 signatures are byte for byte those of the reference library', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).filter(isPrivateKey),
      fc.uint8Array({ maxLength: 300 }),
      async (secret, bytes) => {
        const reference = await atproto.Secp256k1Keypair.import(secret)
        const ours = signerFromPrivateKey(secret)
        expect(ours.didKey).toBe(reference.did())
        expect(Buffer.from(ours.sign(bytes))).toEqual(Buffer.from(await reference.sign(bytes)))
      },
    ),
    { numRuns: 30 },
  )
})

test('for changed signatures our answer is that of the reference library', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...pairs),
      fc.uint8Array({ maxLength: 100 }),
      fc.option(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 255 })), { nil: undefined }),
      async ({ pair }, bytes, change) => {
        const signature = Uint8Array.from(await pair.sign(bytes))
        if (change !== undefined) signature[change[0]] = (signature[change[0]] ?? 0) ^ change[1]
        const theirs = await atproto.verifySignature(pair.did(), bytes, signature)
        expect(verifySignature({ didKey: pair.did(), bytes, signature })).toBe(theirs)
      },
    ),
    { numRuns: 40 },
  )
})

test('bytes that are no private key are refused', () => {
  for (const bytes of [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(31)]) {
    expect(() => signerFromPrivateKey(bytes)).toThrow(/private key/iu)
  }
})

function isPrivateKey(bytes: Uint8Array): boolean {
  return bytes[0] !== 0xff && bytes.some((byte) => byte !== 0)
}
