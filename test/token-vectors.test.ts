import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { signerFromPrivateKey } from '../src/crypto/ecdsa.ts'
import { flipS } from '../src/crypto/low-s.ts'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { browserCrypto } from '../src/tokens/browser-crypto.ts'
import { verifyProof } from '../src/tokens/light-client.ts'
import { type ProofFile, readProofFile } from '../src/tokens/proof-file.ts'
import { vectorFiles, vectorText, vectorUrl } from './tokens/vectors.ts'

type Accepted = {
  genesis: string
  vectors: { name: string; proof: ProofFile; status: string; id: string; time: string }[]
}
type Refused = {
  genesis: string
  vectors: {
    name: string
    from: string
    genesis?: string
    set: Partial<ProofFile>
    reason: string
    detail: string
  }[]
}
const stored = async <T>(name: string) => JSON.parse(await readFile(vectorUrl(name), 'utf8')) as T
const accepted = await stored<Accepted>('accepted.json')
const refused = await stored<Refused>('refused.json')

function judge(crypto: typeof nativeCrypto, genesis: string, file: unknown) {
  const read = readProofFile(file)
  return read.ok ? verifyProof(crypto, genesis, read.proof) : read
}

test('the stored vectors are what the code makes', async () => {
  for (const [name, content] of Object.entries(vectorFiles())) {
    expect(await readFile(vectorUrl(name), 'utf8')).toBe(vectorText(content))
  }
})

test('there are at least thirty ways to be refused, in as many words', () => {
  expect(refused.vectors.length).toBeGreaterThan(30)
  expect(new Set(refused.vectors.map(({ reason }) => reason)).size).toBeGreaterThan(20)
})

for (const [name, crypto] of Object.entries({ nativeCrypto, browserCrypto })) {
  test(`every good proof holds, by ${name}`, () => {
    for (const { proof, ...shown } of accepted.vectors) {
      const { name: _, ...expected } = shown
      expect(judge(crypto, accepted.genesis, proof)).toMatchObject({ ok: true, ...expected })
    }
  })

  test(`every changed proof is refused for its reason, by ${name}`, () => {
    for (const { name: fault, from, set, genesis, reason, detail } of refused.vectors) {
      const good = accepted.vectors.find((one) => one.name === from)!
      const found = judge(crypto, genesis ?? refused.genesis, { ...good.proof, ...set })
      expect({ fault, ...found }).toEqual({ fault, ok: false, reason, detail })
    }
  })
}

test('a proof file of another form is refused and throws nothing', () => {
  const [{ proof }] = accepted.vectors as [Accepted['vectors'][0]]
  const wrong: unknown[] = [
    null,
    [],
    {},
    { ...proof, more: 1 },
    { ...proof, transfer: { $bytes: '$$' } },
    { ...proof, transfer: { $bytes: 'AA', more: 1 } },
    { ...proof, transfer: 'AA' },
    { ...proof, epochs: [5] },
    { ...proof, settled: { index: 0.5, path: [] } },
    { ...proof, settled: { index: 0, path: [{ $bytes: 5 }] } },
  ]
  for (const file of wrong) {
    expect(judge(nativeCrypto, accepted.genesis, file)).toMatchObject({ reason: 'Malformed' })
  }
})

test('both kinds of crypto take and refuse the same keys and signatures', () => {
  const bytes = Buffer.from('what was signed')
  const signers = [p256Signer(), signerFromPrivateKey(Buffer.alloc(32, 7))] as const
  for (const [at, signer] of signers.entries()) {
    const curve = at === 0 ? 'p256' : 'k256'
    const signature = signer.sign(bytes)
    const { didKey } = signer
    const good = { didKey, bytes, signature }
    const checks = [
      good,
      { ...good, signature: flipS(curve, signature) },
      { ...good, signature: new Uint8Array(64) },
      { ...good, signature: new Uint8Array(64).fill(255) },
      { ...good, signature: signature.subarray(1) },
      { ...good, bytes: Buffer.from('other') },
      ...[
        '',
        'did:key:z',
        'did:key:z1',
        `${didKey}1`,
        didKey.slice(0, -1),
        `did:key:z0${didKey}`,
      ].map((key) => ({ ...good, didKey: key })),
      { ...good, didKey: didKey.replace('did:key:z', 'did:key:z1') },
      { ...good, didKey: signers[1 - at]!.didKey },
    ]
    const answers = checks.map((check) => browserCrypto.verify(check))
    expect(answers).toEqual(checks.map((check) => nativeCrypto.verify(check)))
    expect(answers.filter(Boolean)).toHaveLength(1)
  }
  expect(Buffer.from(browserCrypto.sha256(bytes))).toEqual(Buffer.from(nativeCrypto.sha256(bytes)))
})
