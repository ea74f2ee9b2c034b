import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { type Refusal, isRefusal, refuse } from './refusal.ts'
import { readAmount } from './amount.ts'
import { cidBytes, cidOf, decodeRecord } from './encoding.ts'
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
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'

/** The collection of transfers, in the sender's public repo. */
export const TRANSFER = 'co.kendev.tokens.transfer'
const TRANSFER_ID = 'co.kendev.tokens.defs#transferId'
/** Signs the id of a transfer with the key `#angel` of the sender's DID document. */
export const SPEND_SIGNATURE = 'co.kendev.tokens.defs#spendSignature'
/** Approves a transfer of a pool that needs so many of its approvers. */
export const APPROVAL = 'co.kendev.tokens.defs#approval'

/** What a transfer is for. */
export const KINDS = [
  'karma_reward',
  'peer_recognition',
  'cross_tenant_exchange',
  'node_reward',
  'justice_fund',
  'system_grant',
] as const
export type Kind = (typeof KINDS)[number]

/** Most receivers of one transfer. */
export const CREDITS_MAX = 8
const RECORD_MAX = 16_384

export type Credit = {
  readonly to: string
  /** micro-tokens, at least 1 */
  readonly amount: number
  /** The leg of the split policy, or `fee`. */
  readonly role?: string
}
export type StrongRef = { readonly uri: string; readonly cid: string }
export type WitnessSignature = { readonly did: string; readonly signature: Bytes }
export type TransferSignature =
  | { readonly $type: typeof SPEND_SIGNATURE; readonly key: string; readonly signature: Bytes }
  | { readonly $type: typeof APPROVAL; readonly did: string; readonly signature: Bytes }

/** A transfer as its record says it. Its account is the repo that it stands in. */
export type Transfer = {
  readonly $type: typeof TRANSFER
  /** CID of the ledger's first epoch. */
  readonly ledger: string
  readonly epoch: number
  /** 1 for the first of an account, then one more each time. */
  readonly seq: number
  /** Id of the transfer before it; absent for the first only. */
  readonly prev?: string
  readonly kind: Kind
  readonly credits: readonly Credit[]
  /** Name of a split policy of the epoch that the credits follow. */
  readonly splitPolicy?: string
  readonly ref?: StrongRef
  readonly evidence?: readonly StrongRef[]
  readonly witnesses?: readonly WitnessSignature[]
  readonly contribution?: string
  /** CID of the memo record with the same rkey; what people wrote stays out of the ledger. */
  readonly memo?: string
  /** The terms of an exchange that this is a leg of. */
  readonly exchange?: { readonly quote: StrongRef; readonly leg: 'paid' | 'delivered' | 'refund' }
  readonly fromTenant?: string
  readonly toTenant?: string
  /** No validator signs it after this instant. */
  readonly validUntil?: string
  readonly createdAt: string
  readonly signatures: readonly TransferSignature[]
}

const uri = text(1024, /^at:\/\/[^\s]+$/)
const strongRef = fields({ uri, cid })
const credit = fields({ to: did, amount: () => undefined }, { role: text(32, /^[a-zA-Z]+$/) })
const signature = bytes(64)
const spend = fields({ $type: oneOf(SPEND_SIGNATURE), key: didKey, signature })
const approval = fields({ $type: oneOf(APPROVAL), did, signature })

const shape = fields(
  {
    $type: oneOf(TRANSFER),
    ledger: cid,
    epoch: int(0, 1_000_000_000),
    seq: int(1, 999_999_999_999),
    kind: oneOf(...KINDS),
    credits: list(credit, 1, CREDITS_MAX),
    createdAt: instant,
    signatures: list(
      (value, at) => (isApproval(value) ? approval(value, at) : spend(value, at)),
      0,
      16,
    ),
  },
  {
    prev: cid,
    splitPolicy: text(64, /^[a-z0-9-]+$/),
    ref: strongRef,
    evidence: list(strongRef, 1, 8),
    witnesses: list(fields({ did, signature }), 1, 8),
    contribution: text(64, /^[a-z_]+$/),
    memo: cid,
    exchange: fields({ quote: strongRef, leg: oneOf('paid', 'delivered', 'refund') }),
    fromTenant: did,
    toTenant: did,
    validUntil: instant,
  },
)

function isApproval(value: unknown): boolean {
  return (value as { $type?: unknown } | null)?.$type === APPROVAL
}

/** A transfer whose bytes were read and whose id and sum were computed. */
export type ReadTransfer = {
  readonly ok: true
  readonly account: string
  readonly transfer: Transfer
  readonly id: string
  /** Sum of the credits, micro-tokens. */
  readonly total: bigint
  readonly bytes: Uint8Array
}

/** Reads the bytes of a transfer of `account`: canonical, of the one shape, with amounts that may
 *  be added up and no receiver twice. Nothing is said of signatures or funds. */
export function readTransfer(
  crypto: TokenCrypto,
  account: string,
  record: Uint8Array,
): ReadTransfer | Refusal {
  const decoded = decodeRecord(record, RECORD_MAX)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'transfer')
  if (fault) return fault
  const transfer = decoded.value as Transfer
  if ((transfer.prev === undefined) !== (transfer.seq === 1)) {
    return refuse('WrongPrev', `seq ${transfer.seq} with${transfer.prev ? '' : 'out'} a prev`)
  }
  const total = sumOf(account, transfer.credits)
  if (isRefusal(total)) return total
  const id = transferId(crypto, account, transfer)
  return { ok: true, account, transfer, id, total, bytes: record }
}

function sumOf(account: string, credits: readonly Credit[]): bigint | Refusal {
  let total = 0n
  const seen = new Set<string>()
  for (const { to, amount } of credits) {
    if (to === account) return refuse('SelfCredit', to)
    if (seen.has(to)) return refuse('DuplicateCredit', to)
    seen.add(to)
    const read = readAmount(amount)
    if (isRefusal(read)) return read
    total += read
  }
  const all = readAmount(Number(total))
  return isRefusal(all) ? all : total
}

/**
 * The id of a transfer: the CID of its content without signatures, bound to the repo it stands in
 * (CID-first attestation, https://badge.blue). The same transfer signed anew by another key of the
 * account has the same id; the same content in another repo has another.
 */
export function transferId(
  crypto: TokenCrypto,
  account: string,
  transfer: Omit<Transfer, 'signatures'> & { readonly signatures?: unknown },
): string {
  const { signatures: _, ...content } = transfer
  return cidOf(crypto, { ...content, $sig: { $type: TRANSFER_ID, repository: account } })
}

/** The key of a transfer's record: the ledger's code and the number, so that a repo lists them in
 *  order and holds one per number. */
export function transferRkey(code: string, seq: number): string {
  return `${code.toLowerCase()}.${String(seq).padStart(12, '0')}`
}

/** The spend signature over an id. */
export function signSpend(signer: TokenSigner, id: string): TransferSignature {
  const made = signer.sign(cidBytes(id))
  return { $type: SPEND_SIGNATURE, key: signer.didKey, signature: toBytes(made) }
}

/** Whether the transfer carries a good spend signature by `key`; refuses with what is amiss. */
export function checkSpend(
  crypto: TokenCrypto,
  { transfer, id }: Pick<ReadTransfer, 'transfer' | 'id'>,
  key: string,
): Refusal | undefined {
  const found = transfer.signatures.find((one) => one.$type === SPEND_SIGNATURE && one.key === key)
  if (!found) return refuse('SpendSignatureMissing', `no signature by ${key}`)
  const made = fromBytes(found.signature)
  return crypto.verify({ didKey: key, bytes: cidBytes(id), signature: made })
    ? undefined
    : refuse('BadSpendSignature', `not by ${key} over ${id}`)
}
