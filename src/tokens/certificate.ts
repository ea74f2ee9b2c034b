import { type Refusal, refuse } from './refusal.ts'
import {
  type Attestation,
  type CheckedBatches,
  type Observed,
  type Subject,
  attestationShape,
  attestationsAbout,
  checkAttestation,
  subjectFields,
} from './attestation.ts'
import type { Committee } from './epoch.ts'
import { decodeRecord } from './encoding.ts'
import { checkShape, cid, fields, list, oneOf } from './shape.ts'
import type { TokenCrypto } from './token-crypto.ts'

/** The collection of certificates; anybody may publish one. */
export const CERTIFICATE = 'co.kendev.tokens.certificate'
/** Most validators of a committee. */
export const VALIDATORS_MAX = 128
const CERTIFICATE_BYTES_MAX = 262_144

/** That a quorum of an epoch's validators attests the same. */
export type Certificate = Subject & {
  readonly $type: typeof CERTIFICATE
  readonly attestations: readonly Attestation[]
}

const shape = fields(
  {
    $type: oneOf(CERTIFICATE),
    ...subjectFields,
    attestations: list(attestationShape, 1, VALIDATORS_MAX),
  },
  { prev: cid },
)

/** Puts attestations of one subject together, one a validator, in the order of their DIDs. */
export function assemble(about: Subject, attestations: readonly Attestation[]): Certificate {
  const { phase, ledger, epoch, committee, account, seq, prev, transfer } = about
  const one = new Map(attestations.map((each) => [each.validator, each]))
  const sorted = [...one.keys()].toSorted().map((validator) => one.get(validator)!)
  return {
    $type: CERTIFICATE,
    phase,
    ledger,
    epoch,
    committee,
    account,
    seq,
    ...(prev !== undefined && { prev }),
    transfer,
    attestations: sorted,
  }
}

/** Reads a certificate's canonical bytes. What it says is not judged yet. */
export function readCertificate(
  record: Uint8Array,
): { readonly ok: true; readonly certificate: Certificate } | Refusal {
  const decoded = decodeRecord(record, CERTIFICATE_BYTES_MAX)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'certificate')
  return fault ?? { ok: true, certificate: decoded.value as Certificate }
}

/** What a good certificate says. */
export type Certified = {
  readonly ok: true
  readonly signers: readonly string[]
  /** Lower median of the signers' times: between two honest ones, whoever lies. */
  readonly time: string
  /** The sender's key that most signers have checked; no few liars can choose it. */
  readonly senderKey: string
}

/** What is known already and need not be checked again. */
export type Known = {
  readonly checked?: CheckedBatches | undefined
  /** Whether this is an attestation of one's own making. */
  readonly isOwn?: (about: Subject, by: Attestation) => boolean
}

/**
 * Judges a certificate by the committee it names: a quorum of distinct members, each of whose
 * signatures is good. Signatures beyond the quorum are checked as well: one that is bad makes the
 * whole thing refused, so that there is one way to read it.
 */
export function checkCertificate(
  crypto: TokenCrypto,
  certificate: Certificate,
  committee: Committee,
  { checked, isOwn }: Known = {},
): Certified | Refusal {
  const { attestations, ...about } = certificate
  if (about.ledger !== committee.ledger) return refuse('WrongLedger', about.ledger)
  if (about.epoch !== committee.epoch) {
    return refuse('WrongEpoch', `${about.epoch}, the committee is of ${committee.epoch}`)
  }
  if (about.committee !== committee.id) return refuse('WrongCommittee', about.committee)
  if ((about.prev === undefined) !== (about.seq === 1)) {
    return refuse('WrongPrev', `seq ${about.seq}`)
  }
  const signers = new Set<string>()
  for (const { validator } of attestations) {
    if (signers.has(validator)) return refuse('DuplicateSigner', validator)
    signers.add(validator)
    if (!committee.keys.has(validator)) return refuse('UnknownSigner', validator)
  }
  if (signers.size < committee.quorum) {
    return refuse('TooFewSigners', `${signers.size} of ${committee.quorum}`)
  }
  const bytesBy = attestationsAbout(crypto, about)
  for (const by of attestations) {
    if (isOwn?.(about, by)) continue
    const key = committee.keys.get(by.validator)!
    const fault = checkAttestation(crypto, about, by, { key, checked, bytesBy })
    if (fault) return fault
  }
  const time = medianOf(attestations)
  return { ok: true, signers: [...signers], time, senderKey: mostOf(attestations) }
}

/** The lower median of the times; instants of one form sort as text. */
function medianOf(attestations: readonly Observed[]): string {
  const sorted = attestations.map(({ observedAt }) => observedAt).toSorted()
  return sorted[Math.floor((sorted.length - 1) / 2)]!
}

/** The key named most often; of several the first by text, so that all choose alike. */
function mostOf(attestations: readonly Observed[]): string {
  const counts = new Map<string, number>()
  for (const { senderKey } of attestations) counts.set(senderKey, (counts.get(senderKey) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return [...counts.keys()].toSorted().find((key) => counts.get(key) === most)!
}
