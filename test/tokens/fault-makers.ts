import { fromBytes, toBytes } from '@atcute/cbor'
import { signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import { flipS } from '../../src/crypto/low-s.ts'
import type { Attestation, Subject } from '../../src/tokens/attestation.ts'
import { type Certificate, assemble, readCertificate } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { Epoch, ReadEpoch } from '../../src/tokens/epoch.ts'
import type { Proof } from '../../src/tokens/light-client.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { nextEpoch, signedBy } from './chain.ts'
import {
  A,
  ACCEPTED,
  BEN,
  RECORDS,
  SECOND_CONTENT,
  fixed,
  subjectOf,
  vote,
} from './vector-world.ts'

/** A good proof with these parts replaced, and why it is refused. */
export type Fault = {
  readonly from: string
  readonly reason: string
  readonly set?: Partial<Proof>
  readonly genesis?: string
}

const { FIRST, SECOND, T1, T4 } = RECORDS
/** The id of something else. */
export const OTHER = SECOND.id
/** Nobody the ledger knows. */
export const EVE = fixed('eve')

/** The certificate of a good proof. */
export function partsOf(from: string): Certificate {
  const read = readCertificate(ACCEPTED[from]!.proof.certificate)
  if (!read.ok) throw new Error(read.detail)
  return read.certificate
}

/** A good proof whose certificate says something else. */
export function certificate(from: string, reason: string, more: object): Fault {
  const changed = encodeRecord({ ...partsOf(from), ...more })
  return { from, reason, set: { certificate: changed } }
}

/** A good proof one of whose attestations says something else. */
export function attested(
  from: string,
  reason: string,
  change: (one: Attestation) => object,
): Fault {
  const { attestations } = partsOf(from)
  const [first, ...rest] = attestations
  return certificate(from, reason, { attestations: [{ ...first!, ...change(first!) }, ...rest] })
}

/** A good proof with another place in the batch. */
export function batched(
  reason: string,
  change: (one: NonNullable<Attestation['batch']>) => object,
): Fault {
  return attested('open-apply-batched', reason, ({ batch }) => ({
    batch: { ...batch!, ...change(batch!) },
  }))
}

/** A good proof with another signature of its first signer. */
export function signature(
  change: (bytes: Uint8Array) => Uint8Array,
  reason = 'BadSignature',
): Fault {
  return attested('open-apply', reason, (one) => ({
    signature: toBytes(change(fromBytes(one.signature))),
  }))
}

/** With one bit changed. */
export const flipped = (bytes: Uint8Array, at = 0) => bytes.with(at, bytes[at]! ^ 1)

/** The same signature in DER. */
export function der(compact: Uint8Array): Uint8Array {
  const number = (bytes: Uint8Array) => {
    const padded = bytes[0]! > 127 ? Uint8Array.of(0, ...bytes) : bytes
    return [2, padded.length, ...padded]
  }
  const body = [...number(compact.subarray(0, 32)), ...number(compact.subarray(32))]
  return Uint8Array.of(0x30, body.length, ...body)
}

/** A good proof whose transfer says something else. */
export function transfer(reason: string, more: object): Fault {
  const changed = encodeRecord({ ...T1.transfer, ...more })
  return { from: 'open-apply', reason, set: { transfer: changed } }
}

/** The transfer's bytes with a piece of their hex replaced. */
export function bytes(reason: string, piece: string, by: string): Fault {
  const hex = Buffer.from(T1.bytes).toString('hex')
  if (!hex.includes(piece)) throw new Error(`no ${piece}`)
  const changed = new Uint8Array(Buffer.from(hex.replace(piece, by), 'hex'))
  return { from: 'open-apply', reason, set: { transfer: changed } }
}

/** The receiver of the credit of `T1`, as it is encoded. */
export const TO = `62746f7820${Buffer.from(BEN.did).toString('hex')}`
/** The amount of it. */
export const AMOUNT = '66616d6f756e741a002625a0'
/** An epoch's bytes. */
export const bytesOf = ({ epoch }: { readonly epoch: Epoch }) => encodeRecord(epoch)

/** The proof from the second epoch with other epochs. */
export function chain(reason: string, ...epochs: readonly Uint8Array[]): Fault {
  return { from: 'second-epoch', reason, set: { epochs } }
}

/** The same with another second epoch. */
export function second(reason: string, signers: Parameters<typeof signedBy>[1], more = {}): Fault {
  const next = nextEpoch(FIRST, signers, { ...SECOND_CONTENT, ...more })
  return chain(reason, bytesOf(FIRST), encodeRecord(next))
}

/** A proof of a closed epoch with another way to the root. */
export function settled(reason: string, from: string, more?: Proof['settled']): Fault {
  return { from, reason, set: more ? { settled: more } : {} }
}

/** The good proof of a closed epoch. */
export const CLOSED = ACCEPTED['closed-apply']!.proof
/** The first two epochs. */
export const BOTH = [bytesOf(FIRST), bytesOf(SECOND)]
/** The ways of two transfers to the settled root. */
export const [one, two] = [
  ACCEPTED['closed-apply']!.proof,
  ACCEPTED['closed-lock-batched']!.proof,
].map((proof) => proof.settled!) as [NonNullable<Proof['settled']>, NonNullable<Proof['settled']>]
/** A signer on the other curve. */
export const K256 = signerFromPrivateKey(crypto.sha256(new TextEncoder().encode(A.did)))
/** What `open-apply` is about. */
export const about: Subject = subjectOf(T1, 'apply')
/** Good signatures over that. */
export const signed = (by: readonly (typeof A)[]) =>
  assemble(
    about,
    by.map((who) => vote(about, who)),
  ).attestations
/** Signatures of the first committee over a subject it has no business with. */
export const inSecond = (by: readonly (typeof A)[]) => {
  const of = subjectOf(T4, 'apply')
  return assemble(
    of,
    by.map((who) => vote(of, who)),
  ).attestations
}
/** Other credits. */
export const withLegs = (credits: Transfer['credits'] | object[]) => ({ credits })
/** `open-apply` with other parts. */
export const openEnd = (reason: string, set: Partial<Proof>): Fault => ({
  from: 'open-apply',
  reason,
  set,
})

/** The epoch with the first signature's other s. */
export function highHandover({ epoch }: ReadEpoch): Uint8Array {
  const [first, ...rest] = epoch.signatures
  const made = flipS('p256', fromBytes(first!.signature))
  const high = { ...first!, signature: toBytes(made) }
  return encodeRecord({ ...epoch, signatures: [high, ...rest] })
}
