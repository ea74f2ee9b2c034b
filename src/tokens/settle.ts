import { toBytes } from '@atcute/cbor'
import { type Account, emptyAccount } from './account.ts'
import { amountField } from './amount.ts'
import type { Handover } from './epoch.ts'
import { type Grant, poolsOf } from './grants.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type Settled, settledOrder, settledTree, stateRoot } from './state-root.ts'
import type { TokenCrypto } from './token-crypto.ts'
import type { ReadTransfer } from './transfer.ts'

/** How an epoch ended: its accounts, what it has settled and what it burned. */
export type Outcome = {
  readonly ok: true
  readonly accounts: ReadonlyMap<string, Account>
  readonly settled: readonly Settled[]
  readonly burned: bigint
  readonly supply: bigint
  readonly roots: Pick<Handover, 'stateRoot' | 'settledRoot' | 'settledCount' | 'supply' | 'burned'>
}

/** The accounts at the beginning of an epoch: what the one before left, and what is granted. */
export function openEpoch(
  before: Iterable<Account>,
  grants: readonly Grant[],
): Map<string, Account> {
  const accounts = new Map<string, Account>()
  for (const account of before) accounts.set(account.did, { ...account, spent: 0n })
  for (const { pool, to, amount } of grants) {
    const did = pool ?? to!
    const account = accounts.get(did) ?? emptyAccount(did)
    accounts.set(did, { ...account, balance: account.balance + BigInt(amount) })
  }
  return accounts
}

/**
 * What an epoch comes to: its opening accounts with the transfers of the union of a quorum of seals
 * applied, each account's in the order of its numbers; budgets that were not spent are burned. The
 * same for everybody who has the same certificates, in whatever order they came. Transfers that
 * were only locked are left out, which frees accounts that had promised one number twice.
 */
export function settleEpoch(
  crypto: TokenCrypto,
  opening: ReadonlyMap<string, Account>,
  grants: readonly Grant[],
  transfers: Iterable<ReadTransfer>,
): Outcome | Refusal {
  const accounts = new Map(opening)
  const settled: Settled[] = []
  const ordered = inOrder(transfers)
  for (const read of ordered) {
    const { account: did, transfer, id, total } = read
    const sender = accounts.get(did) ?? emptyAccount(did)
    if (transfer.seq !== sender.seq + 1 || transfer.prev !== sender.head) {
      return refuse('GapInCertificates', `${did} has ${sender.seq}, then comes ${transfer.seq}`)
    }
    const [seq, balance] = [transfer.seq, sender.balance - total]
    accounts.set(did, { ...sender, seq, head: id, balance })
    for (const { to, amount } of transfer.credits) {
      const receiver = accounts.get(to) ?? emptyAccount(to)
      accounts.set(to, { ...receiver, balance: receiver.balance + BigInt(amount) })
    }
    settled.push({ account: did, seq, transfer: id })
  }
  const burned = burnBudgets(accounts, grants, ordered)
  const overdrawn = [...accounts.values()].find(({ balance }) => balance < 0n)
  if (overdrawn) return refuse('Overdraft', `${overdrawn.did} ${overdrawn.balance}`)
  const supply = [...accounts.values()].reduce((all, { balance }) => all + balance, 0n)
  const tree = settledTree(crypto, settled)
  const roots = {
    stateRoot: toBytes(stateRoot(crypto, accounts.values())),
    settledRoot: toBytes(tree.root),
    settledCount: settled.length,
    supply: amountField(supply),
    burned: amountField(burned),
  }
  return { ok: true, accounts, settled: tree.sorted, burned, supply, roots }
}

function inOrder(transfers: Iterable<ReadTransfer>): ReadTransfer[] {
  const at = (read: ReadTransfer) => ({
    account: read.account,
    seq: read.transfer.seq,
    transfer: read.id,
  })
  return [...transfers].toSorted((a, b) => settledOrder(at(a), at(b)))
}

/** Burns what is left of each budget, and not a micro-token more: what an account had before it
 *  became a pool, and the fees it has got, are its own. */
function burnBudgets(
  accounts: Map<string, Account>,
  grants: readonly Grant[],
  transfers: readonly ReadTransfer[],
): bigint {
  const left = new Map([...poolsOf(grants)].map(([pool, { amount }]) => [pool, BigInt(amount)]))
  for (const { account, total } of transfers) {
    const before = left.get(account)
    if (before !== undefined) left.set(account, before > total ? before - total : 0n)
  }
  let burned = 0n
  for (const [pool, unspent] of left) {
    const account = accounts.get(pool) ?? emptyAccount(pool)
    burned += unspent
    accounts.set(pool, { ...account, balance: account.balance - unspent })
  }
  return burned
}
