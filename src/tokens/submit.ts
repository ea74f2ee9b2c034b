import { type Account, emptyAccount, isOnHold, pinKeys } from './account.ts'
import type { Applied, Change, LedgerView, Lock, Order, Vote } from './ledger-view.ts'
import { checkKind } from './pool-rules.ts'
import { type Refusal, refuse } from './refusal.ts'
import { checkSplit } from './split-policy.ts'
import type { TokenCrypto } from './token-crypto.ts'
import { networkFee } from './worth/network-fee.ts'

/** What a validator answers an order: a vote for it, that it is applied already, or no. */
export type Submitted =
  | { readonly ok: true; readonly vote: Vote }
  | { readonly ok: true; readonly applied: Applied }
  | Refusal

/** A decision: the steps that have to be durable first, then what is answered. */
export type Decision<T> = { readonly changes: readonly Change[]; readonly answer: T }

/**
 * Decides an order whose proofs were checked. A validator votes for one transfer at each number of
 * an account in an epoch; asked again it gives the same vote, asked for another it refuses and
 * keeps both as evidence (FastPay, `handle_transfer_order`; arXiv 2003.11506 §4).
 */
export function decideOrder(
  crypto: TokenCrypto,
  view: LedgerView,
  order: Order,
  now: string,
): Decision<Submitted> {
  const { current } = view
  const { account: did, transfer, id } = order
  const { ledger, epoch } = current.committee
  const known = view.account(did) ?? emptyAccount(did)
  const account = pinKeys(known, order.keys, now, current.epoch.params.holdHours)
  // Of an account that never had anything nothing is kept: there are as many as one likes.
  const isNew = account !== known && view.account(did) !== undefined
  const pins: Change[] = isNew ? [{ change: 'account', account }] : []
  const no = (refusal: Refusal): Decision<Submitted> => ({ changes: pins, answer: refusal })
  if (transfer.ledger !== ledger) return no(refuse('WrongLedger', transfer.ledger))
  if (transfer.epoch !== epoch) {
    return no(refuse('WrongEpoch', `${transfer.epoch}, it is epoch ${epoch}`))
  }
  if (transfer.seq <= account.seq) return usedNumber(view, order, pins)
  const lock = view.lock(did)
  if (lock && lock.seq === transfer.seq) return againstLock(lock, order, pins)
  const fault =
    mayLock(view, account, order, now) ?? checkPolicy(view, order) ?? checkKind(crypto, view, order)
  if (fault) return no(fault)
  const { seq } = transfer
  const { senderKey, bytes: record } = order
  const made: Lock = { account: did, seq, id, senderKey, observedAt: now, record }
  return { changes: [...pins, { change: 'lock', lock: made }], answer: voteFor(made, order) }
}

/** The number is used: either this very transfer was applied, or another was. */
function usedNumber(view: LedgerView, order: Order, pins: Change[]): Decision<Submitted> {
  const { account, transfer, id } = order
  const applied = view.applied(account, transfer.seq)
  if (applied?.id === id) return { changes: pins, answer: { ok: true, applied } }
  const detail = `number ${transfer.seq} is ${applied?.id ?? 'of an epoch that is closed'}`
  const evidence: Change[] = applied ? [evidenceOf(order, applied.record)] : []
  return { changes: [...pins, ...evidence], answer: refuse('AlreadyCertified', detail) }
}

function againstLock(lock: Lock, order: Order, pins: Change[]): Decision<Submitted> {
  if (lock.id === order.id) return { changes: pins, answer: voteFor(lock, order) }
  return {
    changes: [...pins, evidenceOf(order, lock.record)],
    answer: refuse('Equivocation', `number ${lock.seq} is promised to ${lock.id}`),
  }
}

function evidenceOf({ account, transfer, bytes }: Order, other: Uint8Array): Change {
  return { change: 'evidence', account, seq: transfer.seq, records: [other, bytes] }
}

function voteFor(lock: Lock, { transfer }: Order): Submitted {
  const { account, seq, id, senderKey, observedAt } = lock
  const { prev } = transfer
  const before = prev === undefined ? {} : { prev }
  return { ok: true, vote: { phase: 'lock', account, seq, ...before, id, senderKey, observedAt } }
}

function mayLock(
  view: LedgerView,
  account: Account,
  order: Order,
  now: string,
): Refusal | undefined {
  const { current } = view
  const { transfer, total } = order
  if (current.phase !== 'open') return refuse('EpochClosing', 'wait for the next epoch')
  if (transfer.validUntil !== undefined && now > transfer.validUntil) {
    return refuse('Expired', `it was valid until ${transfer.validUntil}`)
  }
  if (transfer.seq > account.seq + 1) {
    return refuse('NeedCertificates', `of ${account.did} from number ${account.seq + 1}`)
  }
  if (transfer.prev !== account.head) {
    return refuse('WrongPrev', `the transfer before it is ${account.head ?? 'none'}`)
  }
  if (order.keys.tombstoned) return refuse('AccountTombstoned', account.did)
  if (account.balance < total) {
    return refuse('InsufficientFunds', `${total} of ${account.balance} micro-tokens`)
  }
  return checkLimit(current.epoch.params.noAngelKeyLimit, account, order, now)
}

/** An account spends little while a key of it is new, or while its document has no device key: who
 *  runs its PDS holds the other key. That it once had one is no help, since no signature of it was
 *  asked for. */
function checkLimit(
  limit: number,
  account: Account,
  { total, keys }: Order,
  now: string,
): Refusal | undefined {
  const held = isOnHold(account, now)
  if (keys.angel !== undefined && !held) return undefined
  const spent = account.spent + total
  if (spent <= BigInt(limit)) return undefined
  const detail = `${spent} of ${limit} micro-tokens in this epoch`
  return refuse(held ? 'KeyOnHold' : 'LimitWithoutDeviceKey', detail)
}

function checkPolicy({ current }: LedgerView, order: Order): Refusal | undefined {
  const { transfer } = order
  // Fees are left out of a split: any receiver could be named one.
  const { feeAccount } = current.epoch.params
  const stray = transfer.credits.find(({ role, to }) => role === 'fee' && to !== feeAccount)
  if (stray) return refuse('BadSplit', `fees are due to ${feeAccount ?? 'nobody'}`)
  const unpaid = checkFee(current, order)
  if (unpaid) return unpaid
  if (transfer.splitPolicy === undefined) return undefined
  const policy = current.epoch.params.splits.find(({ name }) => name === transfer.splitPolicy)
  if (!policy) return refuse('BadSplit', `the epoch has no policy ${transfer.splitPolicy}`)
  return checkSplit(policy, transfer.credits)
}

/** What is paid between nodes owes the network its fee, beside the amount. Which node somebody is
 *  of changes while validators look, so the kind of the transfer says it; the legs that answer a
 *  payment owe nothing more, nor does the account that gets the fees. */
function checkFee(
  { epoch }: LedgerView['current'],
  { account, transfer }: Order,
): Refusal | undefined {
  const { feeAccount, feeBasisPoints: basisPoints, feeMinimum } = epoch.params
  const { kind, exchange, credits } = transfer
  const isAnswer = exchange !== undefined && exchange.leg !== 'paid'
  if (kind !== 'cross_tenant_exchange' || isAnswer) return undefined
  if (feeAccount === undefined || feeAccount === account) return undefined
  const sumOf = (isFee: boolean) =>
    credits.reduce((all, one) => all + BigInt((one.role === 'fee') === isFee ? one.amount : 0), 0n)
  const due = networkFee(sumOf(false), true, { basisPoints, minimum: BigInt(feeMinimum) })
  const given = sumOf(true)
  return given < due
    ? refuse('FeeMissing', `${given} of ${due} micro-tokens that are due to ${feeAccount}`)
    : undefined
}
