import { writeFile } from 'node:fs/promises'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { attestationBytes, batchContent } from '../../src/tokens/attestation.ts'
import { cidBytesOf, cidOf, encodeRecord } from '../../src/tokens/encoding.ts'
import { type Proof, verifyProof } from '../../src/tokens/light-client.ts'
import { merkleTree } from '../../src/tokens/merkle.ts'
import { proofFile } from '../../src/tokens/proof-file.ts'
import { sharesOf } from '../../src/tokens/split-policy.ts'
import { settledLeaf } from '../../src/tokens/state-root.ts'
import { REFUSED } from './vector-faults.ts'
import { A, ACCEPTED, RECORDS, subjectOf, vote } from './vector-world.ts'

const FOLDER = new URL('../vectors/tokens/', import.meta.url)
const GENESIS = RECORDS.FIRST.id
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** What the files of vectors hold, by their name. */
export function vectorFiles(): Record<string, unknown> {
  return {
    'accepted.json': accepted(),
    'refused.json': refused(),
    'ids.json': ids(),
    'merkle.json': merkle(),
    'splits.json': splits(),
    ...Object.fromEntries(
      ['closed-apply', 'open-lock-batched'].map((name) => [
        `${name}.proof.json`,
        proofFile(ACCEPTED[name]!.proof),
      ]),
    ),
  }
}

function accepted() {
  const vectors = Object.entries(ACCEPTED).map(([name, { proof }]) => {
    const shown = verifyProof(nativeCrypto, GENESIS, proof)
    if (!shown.ok) throw new Error(`${name}: ${shown.reason} ${shown.detail}`)
    const { status, id, time, signers } = shown
    return { name, proof: proofFile(proof), status, id, time, signers }
  })
  return { genesis: GENESIS, vectors }
}

function refused() {
  const vectors = Object.entries(REFUSED).map(([name, fault]) => {
    const { from, set = {}, genesis = GENESIS } = fault
    const proof: Proof = { ...ACCEPTED[from]!.proof, ...set }
    const found = verifyProof(nativeCrypto, genesis, proof)
    if (found.ok) throw new Error(`${name} is accepted`)
    const { reason, detail } = found
    const changed = Object.keys(set).map((part) => [part, proofFile(proof)[part as keyof Proof]])
    const pinned = fault.genesis === undefined ? {} : { genesis }
    return { name, from, ...pinned, set: Object.fromEntries(changed), reason, detail }
  })
  return { genesis: GENESIS, vectors }
}

function ids() {
  const { T1, T2, FIRST } = RECORDS
  const about = subjectOf(T2, 'apply')
  const alone = vote(about, A)
  const { batch } = vote(about, A, true)
  const head = batchContent(about, A.did, batch!)
  return {
    transfers: [T1, T2].map(({ account, bytes, id }) => ({ account, record: hex(bytes), id })),
    epochs: [{ record: hex(encodeRecord(FIRST.epoch)), id: FIRST.id }],
    attestation: { about, by: { ...alone, signature: undefined }, signed: hex(signedOf(alone)) },
    batch: { content: hex(encodeRecord(head)), id: cidOf(nativeCrypto, head) },
    headSigned: hex(cidBytesOf(nativeCrypto, head)),
    settledLeaf: hex(settledLeaf({ account: T1.account, seq: 1, transfer: T1.id })),
  }
  function signedOf(by: typeof alone) {
    return attestationBytes(nativeCrypto, about, by)
  }
}

function merkle() {
  const vectors = [0, 1, 2, 3, 4, 5, 7, 8, 13].map((count) => {
    const data = Array.from({ length: count }, (_, at) => Uint8Array.of(at))
    const tree = merkleTree(nativeCrypto, data)
    const paths = data.map((_, at) => tree.path(at).map(hex))
    return { data: data.map(hex), root: hex(tree.root), paths }
  })
  return { vectors }
}

function splits() {
  const policy = {
    name: 'angel',
    legs: [
      { role: 'ai', basisPoints: 1_500 },
      { role: 'human', basisPoints: 3_000 },
      { role: 'platform', basisPoints: 5_000 },
      { role: 'justice', basisPoints: 500 },
    ],
    residual: 'platform',
  }
  const vectors = [10_000, 1_003, 333, 99, 3, 1, 101, 9_000_000_000_000_000].map((amount) => ({
    amount,
    shares: Object.fromEntries(
      [...sharesOf(policy, BigInt(amount))].map(([role, share]) => [role, Number(share)]),
    ),
  }))
  return { policy, vectors }
}

/** A file of vectors as it is written. */
export function vectorText(content: unknown): string {
  return `${JSON.stringify(content, null, 1)}\n`
}

/** Where a file of vectors is. */
export function vectorUrl(name: string): URL {
  return new URL(name, FOLDER)
}

if (import.meta.main) {
  for (const [name, content] of Object.entries(vectorFiles())) {
    await writeFile(vectorUrl(name), vectorText(content))
  }
}
