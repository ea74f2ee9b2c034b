import { type Account, emptyAccount } from './account.ts'
import type { Phase } from './attestation.ts'
import type { ReadEpoch } from './epoch.ts'
import type { Grant } from './grants.ts'
import { isRefusal } from './refusal.ts'
import { type Outcome, openEpoch, settleEpoch } from './settle.ts'
import { placeOf, settledSet } from './settled-set.ts'
import { settledOrder } from './state-root.ts'
import type { TokenCrypto } from './token-crypto.ts'
import type { Kind, ReadTransfer } from './transfer.ts'

/** A transfer with a good certificate of this phase. */
export type CertifiedTransfer = {
  readonly read: ReadTransfer
  readonly phase: Phase
  /** Whether the certificate was here before the epoch was known to have ended: from then on keys
   *  of its validators prove nothing by themselves. */
  readonly isWitnessed: boolean
}

/** One movement of one balance. */
export type Posting = {
  readonly account: string
  /** micro-tokens; below zero for what leaves */
  readonly amount: bigint
  /** What a transfer is for, or what an epoch does: `grant`, `burn`. */
  readonly reason: Kind | 'grant' | 'burn'
  /** What a grant that is no budget is for. */
  readonly granted?: Kind
  /** Id of the transfer. */
  readonly transfer?: string
}

/** How far an epoch is known. `open`: no epoch follows it yet. `settled`: the transfers are just
 *  those that the next epoch says. `unproven`: some are missing here, or too many are. */
export type FoldStanding = 'open' | 'settled' | 'unproven'

/** What an epoch comes to, by the certificates that are known. */
export type EpochFold = {
  readonly standing: FoldStanding
  /** Whether all accounts are what the next epoch says. */
  readonly isVerified: boolean
  /** The transfers that count, each account's in order. */
  readonly counted: readonly ReadTransfer[]
  /** Grants first, then transfers, then what burned. */
  readonly postings: readonly Posting[]
  readonly accounts: ReadonlyMap<string, Account>
}

type Ends = Pick<ReadEpoch, 'epoch'>

/** Folds the epochs of a ledger, from the first one on, each with its certified transfers. */
export function foldBalances(
  crypto: TokenCrypto,
  epochs: readonly Ends[],
  certified: (epoch: number) => Iterable<CertifiedTransfer>,
): EpochFold[] {
  let accounts: ReadonlyMap<string, Account> = new Map()
  return epochs.map((at, n) => {
    const known = [...certified(at.epoch.epoch)]
    const fold = foldEpoch(crypto, { before: accounts, at, next: epochs[n + 1], known })
    accounts = fold.accounts
    return fold
  })
}

/**
 * What one epoch makes of the accounts before it. While it is the newest, a transfer counts when a
 * quorum has applied it. Once another follows, just those transfers count whose root it names:
 * those that were applied, or those and some that were merely certified, as `settledSet` finds. If
 * no set fits, what was here before the epoch ended still counts, and nothing that came later.
 */
export function foldEpoch(
  crypto: TokenCrypto,
  of: {
    readonly before: ReadonlyMap<string, Account>
    readonly at: Ends
    readonly next: Ends | undefined
    readonly known: readonly CertifiedTransfer[]
  },
): EpochFold {
  const { before, at, next, known } = of
  const { grants } = at.epoch
  const opening = openEpoch(before.values(), grants)
  const applied = distinct(known.filter(({ phase }) => phase === 'apply'))
  if (!next) {
    const counted = gapless(opening, applied)
    return { ...folded('open', grants, counted), accounts: carried(opening, counted) }
  }
  const witnessed = distinct(known.filter((one) => one.phase === 'apply' && one.isWitnessed))
  const { handover } = next.epoch
  const setOf = (sure: readonly ReadTransfer[]) =>
    handover && settledSet(crypto, { opening, sure, others: without(known, sure), handover })
  // Keys of an epoch that has ended may have signed what never happened.
  const proven = setOf(applied) ?? setOf(witnessed)
  const counted = proven ? inOrder(proven) : gapless(opening, witnessed)
  const fold = folded(proven ? 'settled' : 'unproven', grants, counted)
  const outcome = settleEpoch(crypto, opening, grants, counted)
  // What an earlier epoch lacks here may make this one impossible; nothing of it burns then.
  if (isRefusal(outcome)) return { ...fold, accounts: carried(opening, counted) }
  return closed(fold, opening, outcome, next)
}

/** With what burned in the end, which is what an account has less than its movements come to. */
function closed(
  fold: Omit<EpochFold, 'accounts'>,
  opening: ReadonlyMap<string, Account>,
  { accounts, roots }: Outcome,
  { epoch: { handover } }: Ends,
): EpochFold {
  const unburned = carried(opening, fold.counted)
  const burns = [...unburned.values()].flatMap(({ did, balance }): Posting[] => {
    const amount = (accounts.get(did)?.balance ?? 0n) - balance
    return amount === 0n ? [] : [{ account: did, amount, reason: 'burn' }]
  })
  const isVerified = handover?.stateRoot.$bytes === roots.stateRoot.$bytes
  return { ...fold, isVerified, postings: [...fold.postings, ...burns], accounts }
}

function folded(
  standing: FoldStanding,
  grants: readonly Grant[],
  counted: readonly ReadTransfer[],
): Omit<EpochFold, 'accounts'> {
  const postings = [...grants.map(granting), ...counted.flatMap(moving)]
  return { standing, isVerified: false, counted, postings }
}

function granting({ kind, amount, pool, to }: Grant): Posting {
  const posting = { account: pool ?? to!, amount: BigInt(amount), reason: 'grant' } as const
  return to === undefined ? posting : { ...posting, granted: kind }
}

function moving({ account, total, id, transfer: { kind: reason, credits } }: ReadTransfer) {
  const debit: Posting = { account, amount: -total, reason, transfer: id }
  const given = credits.map(({ to, amount }): Posting => ({
    account: to,
    amount: BigInt(amount),
    reason,
    transfer: id,
  }))
  return [debit, ...given]
}

/** The accounts after these transfers, whatever they then have. */
function carried(
  opening: ReadonlyMap<string, Account>,
  transfers: readonly ReadTransfer[],
): Map<string, Account> {
  const accounts = new Map(opening)
  const credit = (did: string, amount: bigint) => {
    const account = accounts.get(did) ?? emptyAccount(did)
    accounts.set(did, { ...account, balance: account.balance + amount })
  }
  for (const { account: did, transfer, id, total } of transfers) {
    credit(did, -total)
    accounts.set(did, { ...accounts.get(did)!, seq: transfer.seq, head: id })
    for (const { to, amount } of transfer.credits) credit(to, BigInt(amount))
  }
  return accounts
}

/** Of each account those that follow on each other from where it stood. */
function gapless(
  opening: ReadonlyMap<string, Account>,
  transfers: readonly ReadTransfer[],
): ReadTransfer[] {
  const heads = new Map<string, Pick<Account, 'seq' | 'head'>>()
  return inOrder(transfers).filter(({ account, transfer, id }) => {
    const { seq, head } = heads.get(account) ?? opening.get(account) ?? emptyAccount(account)
    const follows = transfer.seq === seq + 1 && transfer.prev === head
    if (follows) heads.set(account, { seq: transfer.seq, head: id })
    return follows
  })
}

function distinct(known: readonly CertifiedTransfer[]): ReadTransfer[] {
  return [...new Map(known.map(({ read }) => [read.id, read])).values()]
}

/** The others. */
function without(
  known: readonly CertifiedTransfer[],
  these: readonly ReadTransfer[],
): ReadTransfer[] {
  const ids = new Set(these.map(({ id }) => id))
  return distinct(known).filter(({ id }) => !ids.has(id))
}

function inOrder(transfers: readonly ReadTransfer[]): ReadTransfer[] {
  return transfers.toSorted((a, b) => settledOrder(placeOf(a), placeOf(b)))
}
