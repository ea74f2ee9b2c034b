import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flipS } from '../crypto/low-s.ts'
import { signerFromPrivateKey } from '../crypto/ecdsa.ts'
import { commitFromJson, commitToJson } from './commit-json.ts'
import { checkCommit, commitContext, signCommit } from './commit.ts'

const signer = signerFromPrivateKey(Buffer.alloc(32, 7))
const of = { space: 'at://did:example:shop/space/com.example.room/staff', author: 'did:example:a' }
const rev = '3kbcq3p7ad422'
const by = { ...of, signingKey: signer.didKey }
const sign = (bytes: Uint8Array) => Promise.resolve(signer.sign(bytes))
const commit = await signCommit({ ...of, rev, hash: randomBytes(32), sign })

test('a commit holds for its space, its author and their key, and for no other', () => {
  expect(checkCommit(commit, by)).toBeUndefined()
  expect(checkCommit(commit, { ...by, space: `${of.space}2` })).toBe('BadMac')
  expect(checkCommit(commit, { ...by, author: 'did:example:b' })).toBe('BadMac')
  const stranger = signerFromPrivateKey(Buffer.alloc(32, 8)).didKey
  expect(checkCommit(commit, { ...by, signingKey: stranger })).toBe('BadSignature')
})

test('each commit is drawn anew, and its signature says nothing about the hash', async () => {
  const again = await signCommit({ ...of, rev, hash: commit.hash, sign })
  expect(again.ikm).not.toEqual(commit.ikm)
  const { ikm } = commit
  const other = await signCommit({ ...of, rev, hash: randomBytes(32), sign, ikm })
  expect(checkCommit({ ...other, sig: commit.sig }, by)).toBeUndefined()
})

test('a commit with any part changed is refused by the name of the part', () => {
  expect(checkCommit({ ...commit, ver: 2 as 1 }, by)).toBe('BadVersion')
  expect(checkCommit({ ...commit, rev: '3kbcq3p7ad40' }, by)).toBe('BadRev')
  expect(checkCommit({ ...commit, rev: '3kbcq3p7ad423' }, by)).toBe('BadMac')
  expect(checkCommit({ ...commit, sig: flipS('k256', commit.sig) }, by)).toBe('BadSignature')
  expect(checkCommit({ ...commit, sig: commit.sig.subarray(1) }, by)).toBe('BadSignature')
  for (const part of ['hash', 'ikm', 'mac'] as const) {
    expect(checkCommit({ ...commit, [part]: new Uint8Array() }, by)).toBe('BadMac')
    expect(checkCommit({ ...commit, [part]: Buffer.concat([commit[part], rest]) }, by)).toBe(
      'BadMac',
    )
  }
  fc.assert(
    fc.property(
      fc.constantFrom('hash', 'ikm', 'sig', 'mac'),
      fc.nat(63),
      fc.integer({ min: 1, max: 255 }),
      (part, at, change) => {
        const bytes = Uint8Array.from(commit[part])
        bytes[at % bytes.length]! ^= change
        const fault = part === 'sig' ? 'BadSignature' : 'BadMac'
        expect(checkCommit({ ...commit, [part]: bytes }, by)).toBe(fault)
      },
    ),
  )
})

const rest = Uint8Array.of(0)

test('a commit whose parts have another length is refused, however well it is signed', async () => {
  const short = { ...of, rev, sign, hash: commit.hash, ikm: commit.ikm.subarray(1) }
  expect(checkCommit(await signCommit(short), by)).toBe('BadMac')
  expect(checkCommit(await signCommit({ ...of, rev, sign, hash: new Uint8Array(33) }), by)).toBe(
    'BadMac',
  )
})

test('no two places have one context, though their names run together the same', () => {
  const ikm = new Uint8Array(32)
  const cuts = fc.tuple(fc.nat(9), fc.nat(9)).map((at) => at.toSorted((a, b) => a - b))
  fc.assert(
    fc.property(fc.string({ minLength: 9, maxLength: 9 }), cuts, cuts, (text, one, other) => {
      fc.pre(one.join() !== other.join())
      const context = ([a, b]: number[]) =>
        commitContext({
          space: text.slice(0, a),
          author: text.slice(a, b),
          rev: text.slice(b),
          ikm,
        })
      expect(context(one)).not.toEqual(context(other))
    }),
  )
  expect(() => commitContext({ ...of, rev, ikm: new Uint8Array(65_536) })).toThrow(RangeError)
})

test('a commit goes through JSON unchanged, with or without padding, and nothing else does', () => {
  const json = commitToJson(commit)
  expect(json.hash.$bytes).toHaveLength(43)
  expect(checkCommit(commitFromJson(JSON.parse(JSON.stringify(json)))!, by)).toBeUndefined()
  const padded = { ...json, hash: { $bytes: `${json.hash.$bytes}=` } }
  expect(commitFromJson(padded)).toEqual(commitFromJson(json))
  const bad = [null, 'commit', [], {}, { ...json, ver: '1' }, { ...json, ver: 1.5 }]
  const worse = [
    { ...json, rev: 7 },
    { ...json, rev: 'a'.repeat(14) },
    { ...json, hash: 'aaaa' },
  ]
  const bytes = ['a*aa', 'a-_a', 'a'.repeat(200)].map(($bytes) => ({ ...json, mac: { $bytes } }))
  for (const value of [...bad, ...worse, ...bytes]) expect(commitFromJson(value)).toBeUndefined()
})
