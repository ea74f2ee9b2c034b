import type { Account } from '../../src/tokens/account.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'

/** What a ledger has to say of an account. */
export type Standing = { seq: number; head?: string | undefined; balance: bigint }

/** A ledger written from the protocol's text: what a validator's accounts must be. */
export type Replica = {
  readonly accounts: Map<string, Standing>
  of(did: string): Standing
  /** Says what is wrong with a transfer at its account, or applies it. */
  apply(read: ReadTransfer): string | undefined
  /** What a pool has given a receiver. */
  given(pool: string, receiver: string): bigint
  sum(): bigint
}

/** Begins with the accounts that an epoch opens with. */
export function createReplica(opening: Iterable<Pick<Account, 'did'> & Standing>): Replica {
  const accounts = new Map<string, Standing>()
  for (const { did, seq, head, balance } of opening) accounts.set(did, { seq, head, balance })
  const gifts = new Map<string, bigint>()
  const of = (did: string): Standing => {
    const known = accounts.get(did)
    if (known) return known
    const fresh = { seq: 0, balance: 0n }
    accounts.set(did, fresh)
    return fresh
  }
  return {
    accounts,
    of,
    apply({ account, transfer, id }) {
      const sender = of(account)
      if (transfer.seq !== sender.seq + 1) return `I5: ${transfer.seq} after ${sender.seq}`
      if (transfer.prev !== sender.head) return `I5: prev ${transfer.prev}, head ${sender.head}`
      sender.seq = transfer.seq
      sender.head = id
      for (const { to, amount } of transfer.credits) {
        sender.balance -= BigInt(amount)
        of(to).balance += BigInt(amount)
        const name = `${account} ${to}`
        gifts.set(name, (gifts.get(name) ?? 0n) + BigInt(amount))
      }
      return undefined
    },
    given: (pool, receiver) => gifts.get(`${pool} ${receiver}`) ?? 0n,
    sum() {
      let all = 0n
      for (const { balance } of accounts.values()) all += balance
      return all
    },
  }
}
