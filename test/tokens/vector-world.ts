import { p256 } from '@noble/curves/nist.js'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { didKeyOf } from '../../src/crypto/did-key.ts'
import { type Attestation, type Subject, attest, makeBatch } from '../../src/tokens/attestation.ts'
import { assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import {
  type Committee,
  type Epoch,
  type ReadEpoch,
  committeeOf,
  readEpoch,
} from '../../src/tokens/epoch.ts'
import type { Proof } from '../../src/tokens/light-client.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { openEpoch, settleEpoch } from '../../src/tokens/settle.ts'
import { settledTree } from '../../src/tokens/state-root.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import { toBytes } from '@atcute/cbor'
import { emptyHandover, nextEpoch } from './chain.ts'
import { NOON, type Payer, didOf, firstEpoch, orderOf } from './town.ts'

const crypto = nativeCrypto

/** Somebody whose key is the SHA-256 of the name and whose nonces are those of RFC 6979, so that
 *  the vectors are the same whenever they are made. */
export function fixed(name: string): Payer {
  const key = crypto.sha256(new TextEncoder().encode(name))
  const point = p256.getPublicKey(key)
  const sign = (bytes: Uint8Array) =>
    p256.sign(crypto.sha256(bytes), key, { lowS: true }).toBytes('compact')
  return { did: didOf(name), signer: { didKey: didKeyOf({ curve: 'p256', point }), sign } }
}

/** Validators a to d of the first epoch and e, who joins in the second, when a has left. */
export const VALIDATORS = 'abcde'.split('').map((letter) => fixed(`validator${letter}`))
export const [A, B, C, D, E] = VALIDATORS as [Payer, Payer, Payer, Payer, Payer]
export const ADA = fixed('ada')
export const BEN = fixed('ben')

/** The validators as an epoch names them. */
export function entriesOf(members: readonly Payer[]) {
  return members.map(({ did, signer }) => ({ did, key: signer.didKey }))
}

/** Reads an epoch that is known to be good. */
export function good(epoch: Epoch): ReadEpoch {
  const read = readEpoch(crypto, encodeRecord(epoch))
  if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
  return read
}

const GRANTS = [{ kind: 'system_grant', amount: 100_000_000, to: ADA.did }] as const
const FIRST = good(firstEpoch(entriesOf([A, B, C, D]), GRANTS))
const place = { genesis: FIRST, crypto, now: NOON }
const T1 = orderOf(place, ADA, { credits: [{ to: BEN.did, amount: 2_500_000 }] })
const T2 = orderOf(place, ADA, {
  seq: 2,
  prev: T1.id,
  credits: [
    { to: BEN.did, amount: 1 },
    { to: didOf('cleo'), amount: 999_999 },
  ],
})
const T3 = orderOf(place, BEN, { credits: [{ to: didOf('cleo'), amount: 70 }] })
/** A transfer of the first epoch that was certified, but that no seal has. */
const LOST = orderOf(place, BEN, { seq: 2, prev: T3.id, credits: [{ to: ADA.did, amount: 5 }] })

const OUTCOME = settleEpoch(crypto, openEpoch([], GRANTS), GRANTS, [T1, T2, T3])
if (isRefusal(OUTCOME)) throw new Error(OUTCOME.detail)
const SETTLED = settledTree(crypto, OUTCOME.settled)
/** The content of the second epoch. */
export const SECOND_CONTENT: Partial<Epoch> = {
  validators: entriesOf([B, C, D, E]).map((one) => ({ ...one, endpoint: 'http://localhost:2583' })),
  handover: emptyHandover(FIRST, OUTCOME.roots),
}
const SECOND = good(nextEpoch(FIRST, [A, B, C], SECOND_CONTENT))
const T4 = orderOf(place, ADA, {
  epoch: 1,
  seq: 3,
  prev: T2.id,
  credits: [{ to: BEN.did, amount: 6 }],
})
const NEXT = settleEpoch(crypto, openEpoch(OUTCOME.accounts.values(), []), [], [T4])
if (isRefusal(NEXT)) throw new Error(NEXT.detail)
const THIRD = good(nextEpoch(SECOND, [B, C, E], { handover: emptyHandover(SECOND, NEXT.roots) }))

/** Records that the vectors are made of. */
export const RECORDS = { FIRST, SECOND, THIRD, T1, T2, T3, T4, LOST }

/** What attestations of a transfer are about. */
export function subjectOf(
  { account, id, transfer }: ReadTransfer,
  phase: 'lock' | 'apply',
  committee: Committee = committeeOf(transfer.epoch === 0 ? FIRST : SECOND),
): Subject {
  const { ledger, epoch, id: named } = committee
  const { seq, prev } = transfer
  const rest = { committee: named, account, seq, ...(prev && { prev }), transfer: id }
  return { phase, ledger, epoch, ...rest }
}

/** One validator's attestation, some seconds after noon. */
export function vote(about: Subject, by: Payer, batched = false): Attestation {
  const second = String(VALIDATORS.indexOf(by) + 1).padStart(2, '0')
  const observedAt = `2026-11-28T12:00:${second}.000Z`
  const seen = { validator: by.did, senderKey: ADA.signer.didKey, observedAt }
  if (!batched) return attest(crypto, by.signer, about, seen)
  // Others' transfers of the same moment, before it and behind it.
  const others = [11, 12, 13, 14].map((seq) => ({ about: { ...about, seq }, by: seen }))
  const entries = [...others.slice(0, 2), { about, by: seen }, ...others.slice(2)]
  return makeBatch(crypto, { number: 1 }, entries).sign(by.signer).attestations[2]!
}

/** A certificate's bytes by these validators, some of whom sign batches. */
export function certify(
  order: ReadTransfer,
  phase: 'lock' | 'apply',
  by: readonly Payer[],
  batched: readonly Payer[] = [],
): Uint8Array {
  const about = subjectOf(order, phase)
  return encodeRecord(
    assemble(
      about,
      by.map((one) => vote(about, one, batched.includes(one))),
    ),
  )
}

function settledAt(order: ReadTransfer): NonNullable<Proof['settled']> {
  const index = SETTLED.sorted.findIndex(({ transfer }) => transfer === order.id)
  return { index, path: SETTLED.path(index).map(toBytes) }
}

const proof = (order: ReadTransfer, certificate: Uint8Array, more: Partial<Proof> = {}): Proof => ({
  epochs: [encodeRecord(FIRST.epoch)],
  account: order.account,
  transfer: order.bytes,
  certificate,
  ...more,
})
const two = [FIRST, SECOND].map(({ epoch }) => encodeRecord(epoch))
const three = [...two, encodeRecord(THIRD.epoch)]
const firsts = [A, B, C]
const seconds = [B, C, E]

/** Proofs that hold, and what they show. */
export const ACCEPTED: Readonly<Record<string, { proof: Proof; status: 'confirmed' | 'final' }>> = {
  'open-lock': { proof: proof(T1, certify(T1, 'lock', firsts)), status: 'confirmed' },
  'open-apply': { proof: proof(T1, certify(T1, 'apply', firsts)), status: 'final' },
  'open-apply-by-all': { proof: proof(T1, certify(T1, 'apply', [...firsts, D])), status: 'final' },
  'open-lock-batched': {
    proof: proof(T2, certify(T2, 'lock', firsts, firsts)),
    status: 'confirmed',
  },
  'open-apply-batched': { proof: proof(T2, certify(T2, 'apply', firsts, firsts)), status: 'final' },
  'open-apply-mixed': { proof: proof(T2, certify(T2, 'apply', firsts, [B])), status: 'final' },
  'closed-apply': {
    proof: proof(T1, certify(T1, 'apply', firsts), { epochs: two, settled: settledAt(T1) }),
    status: 'final',
  },
  'closed-lock-batched': {
    proof: proof(T2, certify(T2, 'lock', firsts, firsts), { epochs: two, settled: settledAt(T2) }),
    status: 'final',
  },
  'second-epoch': {
    proof: proof(T4, certify(T4, 'apply', seconds), { epochs: two }),
    status: 'final',
  },
  'second-epoch-closed': {
    proof: proof(T4, certify(T4, 'apply', seconds), {
      epochs: three,
      settled: { index: 0, path: [] },
    }),
    status: 'final',
  },
}
