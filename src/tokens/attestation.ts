import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { type Refusal, refuse } from './refusal.ts'
import { cidBytes, cidBytesOf, cidOf } from './encoding.ts'
import { PATH_MAX, isIncluded, merkleTree } from './merkle.ts'
import { bytes, cid, did, didKey, fields, instant, int, list, oneOf } from './shape.ts'
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'

const ATTESTATION = 'co.kendev.tokens.defs#attestation'
/** The collection of published batches, in the validator's repo. */
export const BATCH = 'co.kendev.tokens.attestationBatch'

/** `lock`: the validator votes for this transfer at its number and for no other in this epoch.
 *  `apply`: it has applied the transfer, on a certificate of locks. */
export type Phase = 'lock' | 'apply'

/** What an attestation is about. */
export type Subject = {
  readonly phase: Phase
  readonly ledger: string
  readonly epoch: number
  /** CID of the epoch record, without its signatures, whose validators judge. */
  readonly committee: string
  readonly account: string
  readonly seq: number
  readonly prev?: string
  /** Id of the transfer. */
  readonly transfer: string
}

/** What one validator adds: who, when by its clock, and which key of the sender it has checked. */
export type Observed = {
  readonly validator: string
  readonly senderKey: string
  readonly observedAt: string
}

/** The head of a batch: one signature for all attestations under its root. */
export type BatchHead = {
  readonly number: number
  readonly previous?: string
  readonly root: Bytes
  readonly count: number
}

/** An attestation with what proves it: a signature of its own, or its place in a signed batch. */
export type Attestation = Observed & {
  readonly signature: Bytes
  readonly batch?: BatchHead & { readonly index: number; readonly path: readonly Bytes[] }
}

const batchPlace = fields(
  {
    number: int(1),
    root: bytes(32),
    count: int(1, 65_536),
    index: int(0, 65_535),
    path: list(bytes(32), 0, PATH_MAX),
  },
  { previous: cid },
)

/** The shape of an attestation inside a certificate or an answer. */
export const attestationShape = fields(
  { validator: did, senderKey: didKey, observedAt: instant, signature: bytes(64) },
  { batch: batchPlace },
)

/** The shape of what an attestation is about. */
export const subjectFields = {
  phase: oneOf('lock', 'apply'),
  ledger: cid,
  epoch: int(0, 1_000_000_000),
  committee: cid,
  account: did,
  seq: int(1, 999_999_999_999),
  transfer: cid,
}

/** The 36 bytes that are signed: the CID of the attestation's content. */
export function attestationBytes(crypto: TokenCrypto, about: Subject, by: Observed): Uint8Array {
  const { phase, ledger, epoch, committee, account, seq, prev, transfer } = about
  const { validator, senderKey, observedAt } = by
  return cidBytesOf(crypto, {
    $type: ATTESTATION,
    phase,
    ledger,
    epoch,
    committee,
    account,
    seq,
    ...(prev !== undefined && { prev }),
    transfer,
    validator,
    senderKey,
    observedAt,
  })
}

/** Signs an attestation by itself. */
export function attest(
  crypto: TokenCrypto,
  signer: TokenSigner,
  about: Subject,
  by: Observed,
): Attestation {
  return { ...by, signature: toBytes(signer.sign(attestationBytes(crypto, about, by))) }
}

/** What is signed for a batch: its head, bound to ledger, epoch and validator. */
export function batchContent(
  { ledger, epoch }: Pick<Subject, 'ledger' | 'epoch'>,
  validator: string,
  { number, previous, root, count }: BatchHead,
): object {
  const chain = previous === undefined ? { number } : { number, previous }
  return { $type: BATCH, ledger, epoch, validator, ...chain, root, count }
}

/** A batch that can be stored before it is signed. */
export type Batch = {
  readonly head: BatchHead
  /** CID of the head, which the next batch names as its previous. */
  readonly id: string
  /** One signature over the root, and each attestation with its way to it. */
  sign(signer: TokenSigner): { readonly signature: Bytes; readonly attestations: Attestation[] }
}

/** Puts attestations of one validator, ledger and epoch under one root: its leaves are what each
 *  would sign by itself. */
export function makeBatch(
  crypto: TokenCrypto,
  chain: Pick<BatchHead, 'number' | 'previous'>,
  entries: readonly { readonly about: Subject; readonly by: Observed }[],
): Batch {
  const [first] = entries
  if (!first) throw new RangeError('a batch has at least one attestation')
  const leaves = entries.map(({ about, by }) => attestationBytes(crypto, about, by))
  const tree = merkleTree(crypto, leaves)
  const head: BatchHead = { ...chain, root: toBytes(tree.root), count: leaves.length }
  const content = batchContent(first.about, first.by.validator, head)
  const id = cidOf(crypto, content)
  return {
    head,
    id,
    sign(signer) {
      const signature = toBytes(signer.sign(cidBytes(id)))
      const attestations = entries.map(({ by }, index) => ({
        ...by,
        signature,
        batch: { ...head, index, path: tree.path(index).map(toBytes) },
      }))
      return { signature, attestations }
    },
  }
}

/** Remembers batch heads whose signature was found good, so that each is checked once. The text
 *  names head, signature and key, so nothing else can be taken for it. */
export type CheckedBatches = { has(key: string): boolean; add(key: string): void }

/** Checks that `key` has signed the attestation. */
export function checkAttestation(
  crypto: TokenCrypto,
  about: Subject,
  by: Attestation,
  { key, checked }: { readonly key: string; readonly checked?: CheckedBatches | undefined },
): Refusal | undefined {
  const content = attestationBytes(crypto, about, by)
  const signature = fromBytes(by.signature)
  const { batch, validator } = by
  if (!batch) {
    return crypto.verify({ didKey: key, bytes: content, signature })
      ? undefined
      : refuse('BadSignature', `not ${validator}’s`)
  }
  const { index, count } = batch
  const path = batch.path.map(fromBytes)
  const root = fromBytes(batch.root)
  if (!isIncluded(crypto, { data: content, index, count, path, root })) {
    return refuse('BadBatchPath', `of ${validator}, entry ${index} of ${count}`)
  }
  const head = cidOf(crypto, batchContent(about, validator, batch))
  const name = `${key} ${by.signature.$bytes} ${head}`
  if (checked?.has(name)) return undefined
  if (!crypto.verify({ didKey: key, bytes: cidBytes(head), signature })) {
    return refuse('BadBatchSignature', `not ${validator}’s`)
  }
  checked?.add(name)
  return undefined
}
