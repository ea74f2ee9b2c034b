import {
  type Attestation,
  type CheckedBatches,
  type Subject,
  attestationShape,
  attestationsAbout,
  checkAttestation,
} from './attestation.ts'
import { type Certificate, assemble, checkCertificate, readCertificate } from './certificate.ts'
import { encodeRecord } from './encoding.ts'
import type { Committee } from './epoch.ts'
import { faultsBorne } from './quorum.ts'
import { type Reason, isRefusal } from './refusal.ts'
import { checkShape } from './shape.ts'
import type { TokenCrypto } from './token-crypto.ts'
import type { ReadTransfer } from './transfer.ts'

/** A transfer with the certificate that a validator has applied it on. */
export type CertifiedBytes = {
  readonly account: string
  readonly record: Uint8Array
  readonly certificate: Uint8Array
}

/** What a validator has answered. Nothing of it is believed before it was checked. */
export type PeerAnswer =
  | { readonly ok: true; readonly attestation: Attestation }
  | { readonly ok: true; readonly applied: CertifiedBytes }
  | { readonly ok: false; readonly reason: Reason | 'Unreachable'; readonly detail: string }

/** A validator as somebody reaches it who wants a transfer certified. Never rejects. */
export type ValidatorPeer = {
  readonly did: string
  submit(): Promise<PeerAnswer>
  apply(certified: CertifiedBytes): Promise<PeerAnswer>
  /** Transfers of an account that the validator has applied, from a number on. */
  since(account: string, from: number): Promise<readonly CertifiedBytes[]>
}

/** How far a transfer came. `pending` may be tried again; `failed` is what more validators have
 *  said than may be faulty. */
export type Driven =
  | { readonly status: 'final'; readonly lock: Certificate; readonly apply: Certificate }
  | { readonly status: 'confirmed'; readonly lock: Certificate }
  | { readonly status: 'pending'; readonly detail: string }
  | { readonly status: 'failed'; readonly reason: Reason; readonly detail: string }

type Drive = {
  readonly crypto: TokenCrypto
  readonly committee: Committee
  readonly peers: readonly ValidatorPeer[]
  readonly transfer: ReadTransfer
  /** Heads of batches that were checked for other transfers, for whoever drives many. */
  readonly checked?: CheckedBatches | undefined
}

/** How often a validator that lacks earlier transfers is given them. */
const REPAIRS = 3

/**
 * Has a transfer certified: asks all validators for their vote, puts a quorum of votes together,
 * gives all the certificate, and puts a quorum of their attestations together that they have
 * applied it (FastPay §4.2). Whoever has the transfer's proofs may do it, as often as they like.
 */
export async function driveTransfer(drive: Drive): Promise<Driven> {
  const locked = await collect(drive, 'lock', (peer) => submitWith(drive, peer))
  if ('status' in locked) return locked
  const { transfer } = drive
  const lock = locked.certificate
  const certified: CertifiedBytes = {
    account: transfer.account,
    record: transfer.bytes,
    certificate: encodeRecord(lock),
  }
  const applied = await collect(drive, 'apply', (peer) => applyWith(drive, peer, certified))
  return 'status' in applied
    ? { status: 'confirmed', lock }
    : { status: 'final', lock, apply: applied.certificate }
}

type Collected = { readonly certificate: Certificate } | Extract<Driven, { detail: string }>

/** Asks all at once; done with the first quorum, or when no quorum can come together any more. */
function collect(
  drive: Drive,
  phase: 'lock' | 'apply',
  ask: (peer: ValidatorPeer) => Promise<PeerAnswer>,
): Promise<Collected> {
  const { crypto, committee, peers, transfer, checked } = drive
  const about = subjectOf(drive, phase)
  const bytesBy = attestationsAbout(crypto, about)
  const votes: Attestation[] = []
  const refusals = new Map<string, number>()
  const { promise, resolve } = Promise.withResolvers<Collected>()
  let open = peers.length
  const take = (peer: ValidatorPeer, answer: PeerAnswer): void => {
    open -= 1
    if (answer.ok && 'applied' in answer) {
      const read = readCertificate(answer.applied.certificate)
      if (!isRefusal(read) && isLockOf(drive, read.certificate)) {
        resolve({ certificate: read.certificate })
      }
    } else if (answer.ok) {
      const { attestation } = answer
      const key = committee.keys.get(peer.did)
      const isGood =
        key !== undefined &&
        checkShape(attestationShape, attestation, 'attestation') === undefined &&
        attestation.validator === peer.did &&
        checkAttestation(crypto, about, attestation, { key, checked, bytesBy }) === undefined
      if (isGood) votes.push(attestation)
      if (votes.length >= committee.quorum) resolve({ certificate: assemble(about, votes) })
    } else {
      const { reason, detail } = answer
      const same = (refusals.get(reason) ?? 0) + 1
      refusals.set(reason, same)
      const beyondFaults = same > faultsBorne(committee.keys.size)
      if (phase === 'lock' && beyondFaults && isFinalNo(reason)) {
        resolve({ status: 'failed', reason, detail })
      }
    }
    const said = [...refusals].map(([reason, count]) => `${count} × ${reason}`).join(', ')
    const detail = `${votes.length} of ${committee.quorum} votes on ${transfer.id}; ${said}`
    if (open === 0) resolve({ status: 'pending', detail })
  }
  const lost = (error: unknown): PeerAnswer => ({
    ok: false,
    reason: 'Unreachable',
    detail: String(error),
  })
  for (const peer of peers)
    void ask(peer)
      .catch(lost)
      .then((answer) => take(peer, answer))
  return promise
}

/** Refusals that another try does not change. */
function isFinalNo(reason: Reason | 'Unreachable'): reason is Reason {
  // Who only begins to validate with an epoch knows no ledger before it has the accounts.
  const passing: readonly string[] = ['Unreachable', 'LedgerUnknown', 'NeedCertificates']
  return ![...passing, 'EpochClosing'].includes(reason)
}

function isLockOf(drive: Drive, certificate: Certificate): boolean {
  const { transfer, crypto, committee, checked } = drive
  return (
    certificate.phase === 'lock' &&
    certificate.transfer === transfer.id &&
    !isRefusal(checkCertificate(crypto, certificate, committee, { checked }))
  )
}

function subjectOf({ committee, transfer }: Drive, phase: 'lock' | 'apply'): Subject {
  const { ledger, epoch, id } = committee
  const { account, transfer: record, id: named } = transfer
  const { seq, prev } = record
  const before = prev === undefined ? {} : { prev }
  return { phase, ledger, epoch, committee: id, account, seq, ...before, transfer: named }
}

/** A validator that lacks the account's earlier transfers gets them from the others first. */
async function submitWith(drive: Drive, peer: ValidatorPeer): Promise<PeerAnswer> {
  return withRepairs(drive, peer, drive.transfer.account, () => peer.submit())
}

function applyWith(drive: Drive, peer: ValidatorPeer, certified: CertifiedBytes) {
  return withRepairs(drive, peer, certified.account, () => peer.apply(certified))
}

async function withRepairs(
  { peers }: Drive,
  peer: ValidatorPeer,
  account: string,
  ask: () => Promise<PeerAnswer>,
): Promise<PeerAnswer> {
  let answer = await ask()
  for (let n = 0; n < REPAIRS && needsEarlier(answer); n += 1) {
    const from = Number(/number (\d+)/.exec(answer.detail)?.[1] ?? 1)
    for (const other of peers) {
      if (other.did === peer.did) continue
      for (const one of await other.since(account, from)) await peer.apply(one)
    }
    answer = await ask()
  }
  return answer
}

function needsEarlier(answer: PeerAnswer): answer is Extract<PeerAnswer, { ok: false }> {
  return !answer.ok && answer.reason === 'NeedCertificates'
}
