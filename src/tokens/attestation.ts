import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { type Refusal, refuse } from './refusal.ts'
import { cidBytes, cidBytesOf, cidBytesOfBytes, cidOf, encodeRecord } from './encoding.ts'
import { type KnownTree, knownTree } from './known-tree.ts'
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
  return attestationsAbout(crypto, about)(by)
}

/** The bytes that each signer of one subject signs. What all of them say is encoded once: in the
 *  order of canonical CBOR, by length and then by letters, the signer's three fields are last. */
export function attestationsAbout(
  crypto: TokenCrypto,
  about: Subject,
): (by: Observed) => Uint8Array {
  const { phase, ledger, epoch, committee, account, seq, prev, transfer } = about
  const before = prev === undefined ? {} : { prev }
  const named = { phase, ledger, epoch, committee, account, seq, ...before, transfer }
  const common = encodeRecord({ $type: ATTESTATION, ...named })
  return ({ validator, senderKey, observedAt }) => {
    const own = encodeRecord({ validator, senderKey, observedAt })
    const whole = new Uint8Array(common.length + own.length - 1)
    whole.set(common)
    whole.set(own.subarray(1), common.length)
    // The first byte of a map of up to 23 entries holds their number.
    whole[0] = common[0]! + 3
    return cidBytesOfBytes(crypto, whole)
  }
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

/** A batch head as somebody has signed it, with whose key signs. */
export type SignedHead = Pick<Subject, 'ledger' | 'epoch'> &
  Pick<Attestation, 'validator' | 'signature'> & { readonly key: string; readonly head: BatchHead }

/** Remembers batch heads whose signature was found good, so that each is checked once, and what is
 *  known of their trees. A head is found only if it is the same in every part. */
export type CheckedBatches = {
  find(signed: SignedHead): KnownTree | undefined
  add(signed: SignedHead, tree: KnownTree): void
}

/** Checks that `key` has signed the attestation. */
export function checkAttestation(
  crypto: TokenCrypto,
  about: Subject,
  by: Attestation,
  {
    key,
    checked,
    bytesBy = attestationsAbout(crypto, about),
  }: {
    readonly key: string
    readonly checked?: CheckedBatches | undefined
    /** What signers of the subject sign, where several of one are checked. */
    readonly bytesBy?: (by: Observed) => Uint8Array
  },
): Refusal | undefined {
  const content = bytesBy(by)
  const { batch, validator } = by
  if (!batch) {
    return crypto.verify({ didKey: key, bytes: content, signature: fromBytes(by.signature) })
      ? undefined
      : refuse('BadSignature', `not ${validator}’s`)
  }
  const { index, count } = batch
  const { ledger, epoch } = about
  const root = fromBytes(batch.root)
  const place = { data: content, index, path: batch.path.map(fromBytes) }
  const signed = { ledger, epoch, validator, signature: by.signature, key, head: batch }
  const known = checked?.find(signed)
  const isIn = known ? known.includes(place) : isIncluded(crypto, { ...place, count, root })
  if (!isIn) return refuse('BadBatchPath', `of ${validator}, entry ${index} of ${count}`)
  if (known) return undefined
  const head = cidBytesOf(crypto, batchContent(about, validator, batch))
  if (!crypto.verify({ didKey: key, bytes: head, signature: fromBytes(by.signature) })) {
    return refuse('BadBatchSignature', `not ${validator}’s`)
  }
  checked?.add(signed, knownTree(crypto, { root, count }))
  return undefined
}
