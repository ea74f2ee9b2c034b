import { fromBytes } from '@atcute/cbor'
import { cidBytes, cidBytesOf } from './encoding.ts'
import type { Grant } from './grants.ts'
import type { CurrentEpoch, LedgerView } from './ledger-view.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { TokenCrypto } from './token-crypto.ts'
import { APPROVAL, type ReadTransfer, type Transfer } from './transfer.ts'

const WITNESS = 'co.kendev.tokens.defs#witness'

/** A person of the epoch's snapshot. */
export type Person = {
  readonly did: string
  /** did:key that the person witnesses with */
  readonly key?: string
  /** 0 to 5 */
  readonly bucket: number
  readonly cluster: string
}

const MINTED = new Set(['karma_reward', 'node_reward', 'justice_fund', 'system_grant'])

/**
 * Refuses a transfer that its kind does not allow. What mints is an ordinary transfer out of a
 * budget of the epoch, so that more than the budget is an overdraft; the rest follows from the
 * pool's own transfers of the epoch, the epoch record and what it pins, so that all validators
 * judge alike.
 */
export function checkKind(
  crypto: TokenCrypto,
  view: Pick<LedgerView, 'current' | 'minted'>,
  order: ReadTransfer,
): Refusal | undefined {
  const { current } = view
  const { transfer, account } = order
  const pool = current.pools.get(account)
  const fault = checkReceivers(current, transfer)
  if (fault) return fault
  if (!pool) {
    return MINTED.has(transfer.kind)
      ? refuse('NotAPool', `${account} has no budget for ${transfer.kind} in this epoch`)
      : undefined
  }
  if (pool.kind !== transfer.kind) {
    return refuse('WrongKind', `${transfer.kind}, the budget is for ${pool.kind}`)
  }
  return (
    checkCaps(view, pool, order) ??
    checkWitnesses(crypto, current, pool, order) ??
    checkApprovals(crypto, pool, order)
  )
}

/** Budgets are not filled up by others: only the account of fees may be one, and gets fees. */
function checkReceivers({ epoch, pools }: CurrentEpoch, transfer: Transfer): Refusal | undefined {
  for (const { to, role } of transfer.credits) {
    const isFee = role === 'fee' && to === epoch.params.feeAccount
    if (pools.has(to) && !isFee) return refuse('PoolCannotReceive', to)
  }
  return undefined
}

function checkCaps(
  view: Pick<LedgerView, 'current' | 'minted'>,
  pool: Grant,
  { account, transfer, total }: ReadTransfer,
): Refusal | undefined {
  if (pool.perTransferCap !== undefined && total > BigInt(pool.perTransferCap)) {
    return refuse('OverTransferCap', `${total} of ${pool.perTransferCap}`)
  }
  for (const { to, amount } of transfer.credits) {
    const cap = capOf(pool, view.current, to)
    const given = view.minted(account, to) + BigInt(amount)
    if (cap !== undefined && given > cap) {
      return refuse('OverRecipientCap', `${to} would have ${given} of ${cap} in this epoch`)
    }
  }
  return undefined
}

function capOf(pool: Grant, { persons }: CurrentEpoch, receiver: string): bigint | undefined {
  const byBucket = pool.bucketCaps?.[persons.get(receiver)?.bucket ?? 0]
  const caps = [pool.perRecipientCap, byBucket].filter((one) => one !== undefined)
  return caps.length === 0 ? undefined : BigInt(Math.min(...caps))
}

/** What of a transfer a witness vouches for. */
export type Witnessed = Pick<Transfer, 'ledger' | 'epoch' | 'seq' | 'kind' | 'credits' | 'evidence'>

/** What a witness signs: that this receiver has earned this from this pool, for what the evidence
 *  shows. It names the pool's number, so that one witnessing is good for one transfer. */
export function witnessContent(account: string, transfer: Witnessed, witness: string) {
  const { ledger, epoch, seq, kind, credits, evidence = [] } = transfer
  const about = { ledger, epoch, pool: account, seq, kind, credits, evidence }
  return { $type: WITNESS, ...about, witness }
}

/** The 36 bytes of the CID of that, which are what is signed. */
export function witnessBytes(
  crypto: TokenCrypto,
  account: string,
  transfer: Witnessed,
  witness: string,
): Uint8Array {
  return cidBytesOf(crypto, witnessContent(account, transfer, witness))
}

function checkWitnesses(
  crypto: TokenCrypto,
  { persons }: CurrentEpoch,
  { witnesses: needed = 0 }: Grant,
  { account, transfer }: ReadTransfer,
): Refusal | undefined {
  if (needed === 0) return undefined
  if (!transfer.evidence) return refuse('WitnessesMissing', 'no evidence is named')
  const receivers = new Set(transfer.credits.map(({ to }) => to))
  const clusters = new Set<string>()
  for (const { did, signature } of transfer.witnesses ?? []) {
    const person = persons.get(did)
    if (!person?.key) return refuse('BadWitness', `${did} is not in the snapshot of persons`)
    if (receivers.has(did) || did === account) return refuse('BadWitness', `${did} takes part`)
    const content = witnessBytes(crypto, account, transfer, did)
    const made = fromBytes(signature)
    if (!crypto.verify({ didKey: person.key, bytes: content, signature: made })) {
      return refuse('BadWitness', `the signature is not ${did}’s`)
    }
    clusters.add(person.cluster)
  }
  return clusters.size < needed
    ? refuse('WitnessesMissing', `${clusters.size} of ${needed}, each of another cluster`)
    : undefined
}

function checkApprovals(
  crypto: TokenCrypto,
  { approvers = [], approvals: needed = 0 }: Grant,
  { transfer, id }: ReadTransfer,
): Refusal | undefined {
  const given = new Set<string>()
  for (const one of transfer.signatures) {
    if (one.$type !== APPROVAL || needed === 0) continue
    const approver = approvers.find(({ did }) => did === one.did)
    if (!approver) return refuse('BadApproval', `${one.did} is no approver`)
    const content = cidBytes(id)
    const signature = fromBytes(one.signature)
    if (!crypto.verify({ didKey: approver.key, bytes: content, signature })) {
      return refuse('BadApproval', `the signature is not ${one.did}’s`)
    }
    given.add(one.did)
  }
  return given.size < needed ? refuse('ApprovalsMissing', `${given.size} of ${needed}`) : undefined
}
