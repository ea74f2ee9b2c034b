import { type Account, withPins } from './account.ts'
import type { LedgerStore } from './ledger-store.ts'
import type { Applied, Change, Lock } from './ledger-view.ts'

/** A store in memory: for tests and for measuring what decisions cost by themselves. It is not
 *  durable, so no validator with a key that counts may use it. */
export function memoryStore(): LedgerStore & {
  readonly accounts: Map<string, Account>
  readonly locks: Map<string, Lock>
  readonly applied: Map<string, Applied>
  readonly evidence: Map<string, readonly [Uint8Array, Uint8Array]>
} {
  const accounts = new Map<string, Account>()
  const locks = new Map<string, Lock>()
  const applied = new Map<string, Applied>()
  const evidence = new Map<string, readonly [Uint8Array, Uint8Array]>()
  const minted = new Map<string, bigint>()
  let last: { number: number; id: string } | undefined
  const view = {
    account: (did: string) => accounts.get(did),
    lock: (account: string) => locks.get(account),
    applied: (account: string, seq: number) => applied.get(`${account} ${seq}`),
    minted: (pool: string, receiver: string) => minted.get(`${pool} ${receiver}`) ?? 0n,
  }
  return {
    accounts,
    locks,
    applied,
    evidence,
    load: () => Promise.resolve(view),
    commit(changes) {
      for (const one of changes) {
        if (one.change === 'account') accounts.set(one.account.did, one.account)
        else if (one.change === 'lock') locks.set(one.lock.account, one.lock)
        else if (one.change === 'unlock') locks.delete(one.account)
        else if (one.change === 'applied') {
          applied.set(`${one.applied.account} ${one.applied.seq}`, one.applied)
        } else if (one.change === 'minted') minted.set(`${one.pool} ${one.receiver}`, one.amount)
        else if (one.change === 'evidence') keepFirst(evidence, one)
        else if (one.change === 'batch') last = { number: one.head.number, id: one.id }
      }
      return Promise.resolve()
    },
    lastBatch: () => Promise.resolve(last),
    everything: () => Promise.resolve({ accounts, applied: [...applied.values()] }),
    enter(_, opening) {
      const pinned = withPins(opening, accounts)
      accounts.clear()
      for (const [did, account] of pinned) accounts.set(did, account)
      for (const kept of [locks, applied, minted]) kept.clear()
      last = undefined
      return Promise.resolve()
    },
  }
}

function keepFirst(
  evidence: Map<string, readonly [Uint8Array, Uint8Array]>,
  { account, seq, records }: Extract<Change, { change: 'evidence' }>,
): void {
  const name = `${account} ${seq}`
  if (!evidence.has(name)) evidence.set(name, records)
}
