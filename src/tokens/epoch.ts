import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { SUPPLY_CAP } from './amount.ts'
import { VALIDATORS_MAX } from './certificate.ts'
import { cidBytes, cidOf, decodeRecord } from './encoding.ts'
import { type Grant, checkGrants, grantShape, grantedBy } from './grants.ts'
import { quorumOf } from './quorum.ts'
import { type Refusal, refuse } from './refusal.ts'
import {
  bytes,
  checkShape,
  cid,
  did,
  didKey,
  fields,
  instant,
  int,
  list,
  oneOf,
  text,
} from './shape.ts'
import { type SplitPolicy, isSoundPolicy, splitPolicyShape } from './split-policy.ts'
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'

/** The collection of epoch records, in the repo of the network's governance DID. */
export const EPOCH = 'co.kendev.tokens.epoch'
const EPOCH_BYTES_MAX = 262_144

export type ValidatorEntry = {
  readonly did: string
  /** did:key of P-256, the validator's own for this ledger */
  readonly key: string
  /** Origin of the node that answers for it. */
  readonly endpoint: string
}

/** What validators of an epoch must all go by. */
export type Params = {
  readonly splits: readonly SplitPolicy[]
  /** Account that network fees are credited to; without one there are none. */
  readonly feeAccount?: string
  readonly feeBasisPoints: number
  /** The least fee, micro-tokens. */
  readonly feeMinimum: number
  /** How long a changed key may spend little only. */
  readonly holdHours: number
  /** What an account without a device key may spend in an epoch, micro-tokens. */
  readonly noAngelKeyLimit: number
  readonly maxSkewSeconds: number
}

/** How the epoch before ended. */
export type Handover = {
  /** A quorum of seals, whose certificates together are what counts of the epoch. */
  readonly seals: readonly { readonly validator: string; readonly cid: string }[]
  /** Root of the accounts after the epoch, before the new grants. */
  readonly stateRoot: Bytes
  /** Root of the transfers that the epoch has settled. */
  readonly settledRoot: Bytes
  readonly settledCount: number
  /** Sum of all balances then, micro-tokens. */
  readonly supply: number
  /** Unspent budgets of pools that ended with the epoch. */
  readonly burned: number
}

export type EpochSignature = { readonly validator: string; readonly signature: Bytes }

/** An epoch: who validates, what may be minted, and by which rules. The first one is pinned by
 *  everybody and is the ledger; each other is signed by a quorum of the validators before it. */
export type Epoch = {
  readonly $type: typeof EPOCH
  /** CID of the first epoch; absent in the first itself. */
  readonly ledger?: string
  readonly epoch: number
  readonly prev?: string
  readonly code: string
  readonly scale: number
  /** micro-tokens */
  readonly supplyCap: number
  readonly governance: string
  readonly validators: readonly ValidatorEntry[]
  readonly quorum: number
  readonly grants: readonly Grant[]
  readonly params: Params
  /** CID of the snapshot of persons. */
  readonly personhood?: string
  readonly handover?: Handover
  readonly createdAt: string
  readonly signatures: readonly EpochSignature[]
}

/** The validators that judge attestations of one epoch. */
export type Committee = {
  readonly ledger: string
  readonly epoch: number
  /** CID of the epoch without its signatures. */
  readonly id: string
  readonly quorum: number
  readonly keys: ReadonlyMap<string, string>
}

/** A did:key of P-256: multicodec 0x1200 and a compressed point, in base58. */
const P256_KEY = /^did:key:zDnae[1-9A-HJ-NP-Za-km-z]{44}$/
/** What the record of an epoch says of one validator. */
export const validatorShape = fields({
  did,
  key: didKey,
  endpoint: text(512, /^https?:\/\/[^\s]+$/),
})
const amount = int(0, Number(SUPPLY_CAP))
const params = fields(
  {
    splits: list(splitPolicyShape, 0, 32),
    feeBasisPoints: int(0, 1_000),
    feeMinimum: amount,
    holdHours: int(0, 8_760),
    noAngelKeyLimit: amount,
    maxSkewSeconds: int(1, 86_400),
  },
  { feeAccount: did },
)
const handover = fields({
  seals: list(fields({ validator: did, cid }), 1, VALIDATORS_MAX),
  stateRoot: bytes(32),
  settledRoot: bytes(32),
  settledCount: int(0),
  supply: amount,
  burned: amount,
})
const shape = fields(
  {
    $type: oneOf(EPOCH),
    epoch: int(0, 1_000_000_000),
    code: text(8, /^[A-Z]{1,8}$/),
    scale: int(6, 6),
    supplyCap: int(1, Number(SUPPLY_CAP)),
    governance: did,
    validators: list(validatorShape, 1, VALIDATORS_MAX),
    quorum: int(1, VALIDATORS_MAX),
    grants: list(grantShape, 0, 1_000),
    params,
    createdAt: instant,
    signatures: list(fields({ validator: did, signature: bytes(64) }), 0, VALIDATORS_MAX),
  },
  { ledger: cid, prev: cid, personhood: cid, handover },
)

/** An epoch record that was read, with its id: the CID of its content without signatures. */
export type ReadEpoch = { readonly ok: true; readonly epoch: Epoch; readonly id: string }

/** The id of an epoch. */
export function epochId(crypto: TokenCrypto, epoch: Omit<Epoch, 'signatures'>): string {
  const { signatures: _, ...content } = epoch as Epoch
  return cidOf(crypto, content)
}

/** Reads the canonical bytes of an epoch and checks what it must be by itself: a committee of
 *  different members with keys of P-256 and the one right quorum, sound policies and grants within
 *  the cap. */
export function readEpoch(crypto: TokenCrypto, record: Uint8Array): ReadEpoch | Refusal {
  const decoded = decodeRecord(record, EPOCH_BYTES_MAX)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'epoch')
  if (fault) return fault
  const epoch = decoded.value as Epoch
  const unsound = checkSound(epoch)
  return unsound ?? { ok: true, epoch, id: epochId(crypto, epoch) }
}

function checkSound(epoch: Epoch): Refusal | undefined {
  const { validators, quorum, params: rules } = epoch
  const isFirst = epoch.epoch === 0
  for (const part of [epoch.ledger, epoch.prev, epoch.handover]) {
    if ((part === undefined) !== isFirst) {
      return refuse('BrokenEpochChain', 'only the first epoch has no ledger, prev and handover')
    }
  }
  const keys = new Set(validators.map(({ key }) => key))
  const dids = new Set(validators.map((one) => one.did))
  if (keys.size !== validators.length || dids.size !== validators.length) {
    return refuse('BadCommittee', 'a validator or a key is named twice')
  }
  const stray = validators.find(({ key }) => !P256_KEY.test(key))
  if (stray) return refuse('BadCommittee', `the key of ${stray.did} is not of P-256`)
  if (quorum !== quorumOf(validators.length)) {
    return refuse(
      'BadQuorum',
      `${quorum}, of ${validators.length} it is ${quorumOf(validators.length)}`,
    )
  }
  const policy = rules.splits.find((one) => !isSoundPolicy(one))
  if (policy) return refuse('BadSplit', `the policy ${policy.name}`)
  const granted = grantedBy(epoch.grants)
  const supply = BigInt(epoch.handover?.supply ?? 0) + granted
  if (supply > BigInt(epoch.supplyCap)) {
    return refuse('OverSupplyCap', `${supply} of ${epoch.supplyCap} micro-tokens`)
  }
  return checkGrants(epoch.grants)
}

/** The committee that an epoch names. The ledger of the first epoch is its own id. */
export function committeeOf({ epoch, id }: Pick<ReadEpoch, 'epoch' | 'id'>): Committee {
  const keys = new Map(epoch.validators.map((one) => [one.did, one.key]))
  return { ledger: epoch.ledger ?? id, epoch: epoch.epoch, id, quorum: epoch.quorum, keys }
}

/** A validator's signature that the next epoch follows from the seals it names. */
export function signEpoch(signer: TokenSigner, validatorDid: string, id: string): EpochSignature {
  return { validator: validatorDid, signature: toBytes(signer.sign(cidBytes(id))) }
}

/** Whether `next` may follow `before`, its signatures apart: the number after it, the same ledger,
 *  code, scale and cap. A validator signs nothing that fails this. */
export function checkFollows(
  before: Pick<ReadEpoch, 'epoch' | 'id'>,
  next: Pick<ReadEpoch, 'epoch'>,
): Refusal | undefined {
  const [a, b] = [before.epoch, next.epoch]
  if (b.ledger !== (a.ledger ?? before.id)) return refuse('WrongLedger', b.ledger ?? 'none')
  if (b.epoch !== a.epoch + 1 || b.prev !== before.id) {
    return refuse('BrokenEpochChain', `epoch ${b.epoch} does not follow ${a.epoch}`)
  }
  for (const name of ['code', 'scale', 'supplyCap', 'governance'] as const) {
    if (a[name] !== b[name]) return refuse('BrokenEpochChain', `${name} has changed`)
  }
  return undefined
}

/**
 * Whether `next` follows `before`: as `checkFollows` says, and with signatures of a quorum of the
 * validators of `before` and nobody else. No committee brings in itself.
 */
export function checkSuccession(
  crypto: TokenCrypto,
  before: Pick<ReadEpoch, 'epoch' | 'id'>,
  next: Pick<ReadEpoch, 'epoch' | 'id'>,
): Refusal | undefined {
  return checkFollows(before, next) ?? checkHandoverSignatures(crypto, committeeOf(before), next)
}

function checkHandoverSignatures(
  crypto: TokenCrypto,
  committee: Committee,
  { epoch, id }: Pick<ReadEpoch, 'epoch' | 'id'>,
): Refusal | undefined {
  const content = cidBytes(id)
  const signers = new Set<string>()
  for (const { validator: by, signature } of epoch.signatures) {
    const key = committee.keys.get(by)
    if (key === undefined) return refuse('UnknownSigner', by)
    if (signers.has(by)) return refuse('DuplicateSigner', by)
    if (!crypto.verify({ didKey: key, bytes: content, signature: fromBytes(signature) })) {
      return refuse('BadSignature', `not ${by}’s`)
    }
    signers.add(by)
  }
  return signers.size < committee.quorum
    ? refuse('HandoverNotSigned', `${signers.size} of ${committee.quorum}`)
    : undefined
}

/** Walks epochs from the pinned first one; answers the committees by number. */
export function walkEpochs(
  crypto: TokenCrypto,
  genesis: string,
  epochs: readonly Pick<ReadEpoch, 'epoch' | 'id'>[],
): Pick<ReadEpoch, 'epoch' | 'id'>[] | Refusal {
  const [first] = epochs
  if (!first) return refuse('EpochUnknown', 'no epoch is given')
  if (first.id !== genesis || first.epoch.epoch !== 0) return refuse('WrongGenesis', first.id)
  for (const [index, next] of epochs.slice(1).entries()) {
    const fault = checkSuccession(crypto, epochs[index]!, next)
    if (fault) return fault
  }
  return [...epochs]
}
