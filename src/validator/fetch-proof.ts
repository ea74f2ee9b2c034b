import { fromBytes, toBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import type { CertifiedBytes } from '../tokens/drive-transfer.ts'
import { encodeRecord, sameBytes } from '../tokens/encoding.ts'
import { type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { type Proof, verifyProof } from '../tokens/light-client.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import { type Settled, settledTree } from '../tokens/state-root.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { readTransfer } from '../tokens/transfer.ts'
import { certifyTransfer } from './certify-transfer.ts'
import { httpSeals } from './http-seals.ts'
import { listFrom } from './remote-validator.ts'

type By = { readonly crypto: TokenCrypto; readonly fetch: Outbound }

/** What is to be proved: a transfer that validators have applied. */
type Asked = {
  readonly account: string
  readonly seq: number
  /** The CAR that proves the record in its repo, from the account's PDS. */
  readonly car: () => Promise<Uint8Array>
}

/**
 * Puts together what proves a transfer with no network, from what validators tell: its record and
 * certificate, and once its epoch is closed the way to the root that the next one has signed. The
 * proof was verified when it is answered. Undefined when no quorum has applied it as far as can be
 * seen now.
 */
export async function fetchProof(
  by: By,
  chain: readonly ReadEpoch[],
  { account, seq, car }: Asked,
): Promise<Proof | Refusal | undefined> {
  let fault: Refusal | undefined
  // A validator that lies about it stops nobody from having it of another.
  for (const peer of chain.at(-1)!.epoch.validators) {
    const asked = { ledger: chain[0]!.id, account, from: seq }
    const [applied] = (await listFrom(by.fetch, peer, asked)).items
    const proof = applied && (await proofOf(by, chain, { ...applied, account, seq, car }))
    if (proof && !isRefusal(proof)) return proof
    fault ??= proof
  }
  return fault
}

async function proofOf(
  by: By,
  chain: readonly ReadEpoch[],
  { account, seq, car, record, certificate: locks }: Asked & CertifiedBytes,
): Promise<Proof | Refusal | undefined> {
  const read = readTransfer(by.crypto, account, record)
  if (isRefusal(read)) return read
  const { epoch, seq: number } = read.transfer
  const at = chain[epoch]
  if (!at || number !== seq) return undefined
  const next = chain[epoch + 1]
  const certificate = next ? locks : await appliedBy(by, at, { account, record, car: await car() })
  if (!certificate) return undefined
  const settled = next && (await settledIn(by, at, next, read))
  const epochs = chain.map((one) => encodeRecord(one.epoch))
  const base = { epochs, account, transfer: record, certificate }
  const proof = { ...base, ...(settled && { settled }) }
  const shown = verifyProof(by.crypto, chain[0]!.id, proof)
  return isRefusal(shown) ? shown : proof
}

/** The certificate of a quorum that has applied it, asked anew: the same each time. */
async function appliedBy(
  by: By,
  at: ReadEpoch,
  submission: { account: string; record: Uint8Array; car: Uint8Array },
): Promise<Uint8Array | undefined> {
  const driven = await certifyTransfer(by, at, submission)
  return isRefusal(driven) || driven.status !== 'final' ? undefined : encodeRecord(driven.apply)
}

/** Where a transfer stands in the settled tree of its epoch, by the seals the next one names. */
async function settledIn(
  { crypto, fetch }: By,
  at: ReadEpoch,
  next: ReadEpoch,
  { account, id, transfer }: { account: string; id: string; transfer: { seq: number } },
): Promise<Proof['settled']> {
  const { ledger, epoch } = committeeOf(at)
  const { handover } = next.epoch
  const source = httpSeals(fetch, ledger, () => at.epoch.validators)
  const found = (handover?.seals ?? []).map(({ validator }) => source.seal(validator, epoch))
  const lists = (await Promise.all(found)).flatMap((seal) => (seal ? [seal.transfers] : []))
  if (!handover) return undefined
  const root = fromBytes(handover.settledRoot)
  // All of them, or all but one that lists what the next epoch did not settle.
  const sets = [lists, ...lists.map((_, left) => lists.filter((__, n) => n !== left))]
  const trees = sets.map((some) => settledTree(crypto, union(some)))
  const tree = trees.find((one) => sameBytes(one.root, root))
  if (!tree) return undefined
  const index = tree.sorted.findIndex(
    (one) => one.account === account && one.seq === transfer.seq && one.transfer === id,
  )
  if (index === -1) return undefined
  return { index, path: tree.path(index).map((hash) => toBytes(hash)) }
}

function union(lists: readonly (readonly Settled[])[]): Iterable<Settled> {
  return new Map(lists.flat().map((one) => [`${one.account} ${one.seq}`, one])).values()
}
