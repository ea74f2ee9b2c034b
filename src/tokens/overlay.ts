import type { Account } from './account.ts'
import type { Applied, Change, LedgerView, Lock } from './ledger-view.ts'

/** A view with the steps of earlier decisions of the same group laid over it. */
export type Overlay = LedgerView & { take(changes: readonly Change[]): void }

/** Lays steps over a view, so that several decisions can be made before any of them is stored. */
export function overlay(base: LedgerView): Overlay {
  const accounts = new Map<string, Account>()
  const locks = new Map<string, Lock | undefined>()
  const applied = new Map<string, Applied>()
  const minted = new Map<string, bigint>()
  return {
    current: base.current,
    account: (did) => accounts.get(did) ?? base.account(did),
    lock: (account) => (locks.has(account) ? locks.get(account) : base.lock(account)),
    applied: (account, seq) => applied.get(`${account} ${seq}`) ?? base.applied(account, seq),
    minted: (pool, receiver) => minted.get(`${pool} ${receiver}`) ?? base.minted(pool, receiver),
    take(changes) {
      for (const one of changes) {
        if (one.change === 'account') accounts.set(one.account.did, one.account)
        else if (one.change === 'lock') locks.set(one.lock.account, one.lock)
        else if (one.change === 'unlock') locks.set(one.account, undefined)
        else if (one.change === 'applied') {
          applied.set(`${one.applied.account} ${one.applied.seq}`, one.applied)
        } else if (one.change === 'minted') {
          minted.set(`${one.pool} ${one.receiver}`, one.amount)
        }
      }
    },
  }
}
