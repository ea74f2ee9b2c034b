import { type Bytes, fromBytes } from '@atcute/cbor'
import { readCertificate, checkCertificate } from './certificate.ts'
import { type ReadEpoch, committeeOf, readEpoch, walkEpochs } from './epoch.ts'
import { isIncluded } from './merkle.ts'
import { type Refusal, isRefusal, refuse } from './refusal.ts'
import { settledLeaf } from './state-root.ts'
import type { TokenCrypto } from './token-crypto.ts'
import { type ReadTransfer, readTransfer } from './transfer.ts'

/** Everything that proves a transfer, with no network: bytes as they were published. */
export type Proof = {
  /** The records of the epochs, from the first to the newest that is known. */
  readonly epochs: readonly Uint8Array[]
  readonly account: string
  readonly transfer: Uint8Array
  readonly certificate: Uint8Array
  /** Where the transfer stands in the settled tree of its epoch, once that is closed. */
  readonly settled?: { readonly index: number; readonly path: readonly Bytes[] }
}

/** What a proof shows. `final` survives every change of epoch; `confirmed` says only that no other
 *  transfer can be certified at that number in this epoch. */
export type Proven = {
  readonly ok: true
  readonly status: 'confirmed' | 'final'
  readonly id: string
  readonly transfer: ReadTransfer
  /** Lower median of the signers' clocks. */
  readonly time: string
  readonly signers: readonly string[]
}

/**
 * Verifies a transfer offline from the id of the first epoch, which the verifier has pinned. A
 * certificate of a closed epoch counts by the settled root that its successor's signers vouch for
 * and by nothing else: keys of old committees may have leaked since.
 */
export function verifyProof(crypto: TokenCrypto, genesis: string, proof: Proof): Proven | Refusal {
  const epochs = readEpochs(crypto, genesis, proof.epochs)
  if (isRefusal(epochs)) return epochs
  const transfer = readTransfer(crypto, proof.account, proof.transfer)
  if (isRefusal(transfer)) return transfer
  const read = readCertificate(proof.certificate)
  if (isRefusal(read)) return read
  const { certificate } = read
  const at = epochs.find(({ epoch }) => epoch.epoch === certificate.epoch)
  if (!at) return refuse('EpochUnknown', `${certificate.epoch}, known are ${epochs.length}`)
  const mismatch = checkNames(certificate, transfer)
  if (mismatch) return mismatch
  const certified = checkCertificate(crypto, certificate, committeeOf(at))
  if (isRefusal(certified)) return certified
  const { time, signers } = certified
  const shown = { ok: true, id: transfer.id, transfer, time, signers } as const
  const next = epochs.find(({ epoch }) => epoch.epoch === certificate.epoch + 1)
  if (!next) {
    return { ...shown, status: certificate.phase === 'apply' ? 'final' : 'confirmed' }
  }
  const unsettled = checkSettled(crypto, transfer, proof.settled, next)
  return unsettled ?? { ...shown, status: 'final' }
}

/** Reads epoch records and walks them from the pinned first one. */
export function readEpochs(
  crypto: TokenCrypto,
  genesis: string,
  records: readonly Uint8Array[],
): Pick<ReadEpoch, 'epoch' | 'id'>[] | Refusal {
  const epochs: ReadEpoch[] = []
  for (const record of records) {
    const read = readEpoch(crypto, record)
    if (isRefusal(read)) return read
    epochs.push(read)
  }
  return walkEpochs(crypto, genesis, epochs)
}

function checkNames(
  about: {
    account: string
    transfer: string
    seq: number
    prev?: string
    epoch: number
    ledger: string
  },
  { account, id, transfer }: ReadTransfer,
): Refusal | undefined {
  if (about.transfer !== id) return refuse('WrongTransfer', `${about.transfer} is not ${id}`)
  if (about.account !== account) return refuse('WrongAccount', about.account)
  if (about.ledger !== transfer.ledger) return refuse('WrongLedger', about.ledger)
  if (about.epoch !== transfer.epoch) return refuse('WrongEpoch', `${about.epoch}`)
  if (about.seq !== transfer.seq) return refuse('WrongSeq', `${about.seq}`)
  if (about.prev !== transfer.prev) return refuse('WrongPrev', about.prev ?? 'none')
  return undefined
}

function checkSettled(
  crypto: TokenCrypto,
  { account, id, transfer }: ReadTransfer,
  settled: Proof['settled'],
  next: Pick<ReadEpoch, 'epoch'>,
): Refusal | undefined {
  const { handover } = next.epoch
  if (!handover) return refuse('HandoverMissing', `epoch ${next.epoch.epoch}`)
  const closed = `epoch ${transfer.epoch} is closed`
  if (!settled) return refuse('NotSettled', `${closed}, and no way to its settled root is given`)
  const proof = {
    data: settledLeaf({ account, seq: transfer.seq, transfer: id }),
    index: settled.index,
    count: handover.settledCount,
    path: settled.path.map(fromBytes),
    root: fromBytes(handover.settledRoot),
  }
  return isIncluded(crypto, proof)
    ? undefined
    : refuse('NotSettled', `${closed}, and the way does not lead to its settled root`)
}
