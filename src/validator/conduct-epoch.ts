import { fromBytes, isBytes, toBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import { cidBytes, encodeRecord } from '../tokens/encoding.ts'
import {
  EPOCH,
  type Epoch,
  type EpochSignature,
  type Handover,
  type ReadEpoch,
  committeeOf,
  epochId,
  readEpoch,
} from '../tokens/epoch.ts'
import { quorumOf } from '../tokens/quorum.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { readSeal } from '../tokens/seal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { agreeOnSeals } from './agree-on-seals.ts'
import { askPeer } from './ask-peer.ts'
import { httpSeals } from './http-seals.ts'

/** What governance decides about an epoch; what it comes to follows from the seals. */
export type Decided = Pick<Epoch, 'validators' | 'grants' | 'params'> & {
  /** The snapshot of persons, canonical bytes, and its CID. */
  readonly personhood?: { readonly cid: string; readonly record: Uint8Array }
}

type Conduct = {
  readonly crypto: TokenCrypto
  readonly fetch: Outbound
  /** A token by which governance is known to a validator, for one request. */
  readonly tokenFor: (validator: string) => Promise<string>
  readonly wait: (ms: number) => Promise<void>
  readonly now: () => string
  /** How long certificates may still be applied once no new votes are given, ms. */
  readonly drainMs: number
  /** Where what validators are asked to sign outlives this process. */
  readonly drafts?: KeptDrafts
}

/** What is proposed as the next epoch, and the snapshot that it pins. */
export type Draft = Pick<Decided, 'personhood'> & { readonly epoch: Epoch }

/** A validator signs one next epoch and no other, so that what was once proposed has to be proposed
 *  again. */
export type KeptDrafts = {
  /** The draft that was kept for this end of an epoch, or else this one, which is durable then. */
  keep(draft: Draft): Promise<Draft>
  /** Forgets a draft that every validator has refused. */
  drop(draft: Draft): Promise<void>
}

/**
 * Leads a ledger from one epoch into the next, as its governance: has all validators drain and
 * seal, names a quorum of seals, has a quorum sign what they come to, and tells all. Throws when no
 * quorum seals or signs; the epoch stays as it is then, and the same can be tried again.
 */
export async function conductEpoch(
  by: Conduct,
  before: ReadEpoch,
  decided: Decided,
): Promise<ReadEpoch> {
  await closeAll(by, before)
  const seals = await readSeals(by, before)
  const handover = await agreeOnSeals(by.fetch, before, seals)
  const { personhood } = decided
  const epoch = draftOf(by, before, decided, handover)
  const draft = { epoch, ...(personhood && { personhood }) }
  const kept = (await by.drafts?.keep(draft)) ?? draft
  const next = await haveSigned(by, before, kept)
  await tellAll(by, next, [...before.epoch.validators, ...next.epoch.validators], kept)
  return next
}

/** Those that cannot be reached are left out: a quorum is enough. */
async function closeAll(by: Conduct, before: ReadEpoch): Promise<void> {
  const { ledger, epoch } = committeeOf(before)
  for (const stage of ['drain', 'seal']) {
    for (const { did, endpoint } of before.epoch.validators) {
      const token = await by.tokenFor(did)
      await askPeer(by.fetch, endpoint, 'closeEpoch', { body: { ledger, epoch, stage }, token })
    }
    if (stage === 'drain') await by.wait(by.drainMs)
  }
}

async function readSeals(
  { fetch, crypto }: Conduct,
  before: ReadEpoch,
): Promise<{ validator: string; cid: string }[]> {
  const { validators } = before.epoch
  const committee = committeeOf(before)
  const source = httpSeals(fetch, committee.ledger, () => validators)
  const seals: { validator: string; cid: string }[] = []
  for (const { did } of validators) {
    const found = await source.seal(did, committee.epoch)
    const read = found && readSeal(crypto, found.record, committee)
    if (!read || isRefusal(read) || read.seal.validator !== did) continue
    seals.push({ validator: did, cid: read.cid })
  }
  if (seals.length >= committee.quorum) return seals
  throw new Error(
    `${seals.length} of ${committee.quorum} validators have sealed epoch ${committee.epoch}`,
  )
}

function draftOf(
  { now }: Conduct,
  before: ReadEpoch,
  { validators, grants, params, personhood }: Decided,
  handover: Handover,
): Epoch {
  const { code, scale, supplyCap, governance, epoch } = before.epoch
  return {
    $type: EPOCH,
    ledger: committeeOf(before).ledger,
    epoch: epoch + 1,
    prev: before.id,
    code,
    scale,
    supplyCap,
    governance,
    validators,
    quorum: quorumOf(validators.length),
    grants,
    params,
    ...(personhood && { personhood: personhood.cid }),
    handover,
    createdAt: now(),
    signatures: [],
  }
}

/** Gathers a quorum of good signatures; one that is not good would spoil the whole record. */
async function haveSigned(
  { fetch, crypto, drafts }: Conduct,
  before: ReadEpoch,
  proposed: Draft,
): Promise<ReadEpoch> {
  const { epoch: draft, personhood } = proposed
  const { quorum, ledger, keys } = committeeOf(before)
  const content = cidBytes(epochId(crypto, draft))
  const signatures: EpochSignature[] = []
  const refusals: string[] = []
  let silent = 0
  for (const { did, endpoint } of before.epoch.validators) {
    const snapshot = personhood && { personhood: toBytes(personhood.record) }
    const body = { ledger, epoch: toBytes(encodeRecord(draft)), ...snapshot }
    const reply = await askPeer(fetch, endpoint, 'signEpoch', { body })
    const made = reply.ok && (reply.body['signature'] as Partial<EpochSignature> | undefined)
    const bytes = made && isBytes(made.signature) ? fromBytes(made.signature) : undefined
    const check = { didKey: keys.get(did)!, bytes: content, signature: bytes! }
    if (bytes && crypto.verify(check)) {
      signatures.push({ validator: did, signature: toBytes(bytes) })
    } else refusals.push(`${did}: ${reply.ok ? 'no good signature' : reply.message}`)
    if (!reply.ok && reply.error === 'Unreachable') silent += 1
  }
  // Who has signed it before would do so again.
  if (signatures.length === 0 && silent === 0) await drafts?.drop(proposed)
  const next = readEpoch(crypto, encodeRecord({ ...draft, signatures }))
  if (isRefusal(next)) throw new Error(`the next epoch is ${next.reason}: ${next.detail}`)
  if (signatures.length >= quorum) return next
  throw new Error(`${signatures.length} of ${quorum} have signed; ${refusals.join('; ')}`)
}

async function tellAll(
  { fetch }: Conduct,
  next: ReadEpoch,
  validators: readonly { readonly endpoint: string }[],
  { personhood }: Draft,
): Promise<void> {
  const body = {
    ledger: next.epoch.ledger,
    epoch: toBytes(encodeRecord(next.epoch)),
    ...(personhood && { personhood: toBytes(personhood.record) }),
  }
  const endpoints = new Set(validators.map(({ endpoint }) => endpoint))
  const tell = (endpoint: string) => askPeer(fetch, endpoint, 'enterEpoch', { body })
  await Promise.all([...endpoints].map(tell))
}
