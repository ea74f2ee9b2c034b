import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { VALIDATORS_MAX } from './certificate.ts'
import { cidBytes, cidOf, decodeRecord, encodeRecord } from './encoding.ts'
import type { Committee } from './epoch.ts'
import { merkleRoot } from './merkle.ts'
import { type Refusal, refuse } from './refusal.ts'
import { bytes, checkShape, cid, did, fields, instant, int, list, oneOf } from './shape.ts'
import { type Settled, settledLeaf, settledOrder } from './state-root.ts'
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'

/** The collection of seals, in the validator's repo, rkey `<code>.<epoch>`. */
export const SEAL = 'co.kendev.tokens.seal'

/** A validator's last word on an epoch: every transfer it holds a certificate of, and in how many
 *  slots of time it has seen each validator take part. After it the validator signs nothing in
 *  that epoch. */
export type Seal = {
  readonly $type: typeof SEAL
  readonly ledger: string
  readonly epoch: number
  readonly committee: string
  readonly validator: string
  /** Root over the transfers, in the order of the settled tree. */
  readonly root: Bytes
  readonly count: number
  readonly participation: readonly { readonly validator: string; readonly slots: number }[]
  readonly createdAt: string
  readonly signature: Bytes
}

const shape = fields({
  $type: oneOf(SEAL),
  ledger: cid,
  epoch: int(0, 1_000_000_000),
  committee: cid,
  validator: did,
  root: bytes(32),
  count: int(0),
  participation: list(fields({ validator: did, slots: int(0, 1_000_000) }), 0, VALIDATORS_MAX),
  createdAt: instant,
  signature: bytes(64),
})

/** Makes and signs a seal over what a validator has certificates of. */
export function sealEpoch(
  crypto: TokenCrypto,
  signer: TokenSigner,
  of: {
    readonly committee: Committee
    readonly validator: string
    readonly transfers: readonly Settled[]
    readonly participation: Seal['participation']
    readonly now: string
  },
): { readonly seal: Seal; readonly cid: string } {
  const { committee, validator, transfers, participation, now } = of
  const content: Omit<Seal, 'signature'> = {
    $type: SEAL,
    ledger: committee.ledger,
    epoch: committee.epoch,
    committee: committee.id,
    validator,
    root: toBytes(sealRoot(crypto, transfers)),
    count: transfers.length,
    participation,
    createdAt: now,
  }
  const id = cidOf(crypto, content)
  return { seal: { ...content, signature: toBytes(signer.sign(cidBytes(id))) }, cid: id }
}

/** The root over the transfers that a seal stands for. */
export function sealRoot(crypto: TokenCrypto, transfers: readonly Settled[]): Uint8Array {
  return merkleRoot(crypto, transfers.toSorted(settledOrder).map(settledLeaf))
}

/** Reads a seal's canonical bytes and checks that a member of the committee has signed it. */
export function readSeal(
  crypto: TokenCrypto,
  record: Uint8Array,
  committee: Committee,
): { readonly ok: true; readonly seal: Seal; readonly cid: string } | Refusal {
  const decoded = decodeRecord(record)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'seal')
  if (fault) return fault
  const seal = decoded.value as Seal
  const { signature, ...content } = seal
  if (seal.ledger !== committee.ledger) return refuse('WrongLedger', seal.ledger)
  if (seal.epoch !== committee.epoch) return refuse('WrongEpoch', `${seal.epoch}`)
  if (seal.committee !== committee.id) return refuse('WrongCommittee', seal.committee)
  const key = committee.keys.get(seal.validator)
  if (key === undefined) return refuse('UnknownSigner', seal.validator)
  const id = cidOf(crypto, content)
  const check = { didKey: key, bytes: cidBytes(id), signature: fromBytes(signature) }
  if (!crypto.verify(check)) return refuse('BadSignature', `not ${seal.validator}’s`)
  return { ok: true, seal, cid: id }
}

/** Refuses transfers that are not just those a seal stands for. */
export function checkSealed(
  crypto: TokenCrypto,
  seal: Seal,
  transfers: readonly Settled[],
): Refusal | undefined {
  const root = toBytes(sealRoot(crypto, transfers)).$bytes
  return transfers.length === seal.count && root === seal.root.$bytes
    ? undefined
    : refuse('WrongSeal', `${transfers.length} transfers are not the ${seal.count} sealed`)
}

/** A seal's canonical bytes. */
export function sealBytes(seal: Seal): Uint8Array {
  return encodeRecord(seal)
}
