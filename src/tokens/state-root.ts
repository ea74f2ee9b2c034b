import type { Account } from './account.ts'
import { amountField } from './amount.ts'
import { encodeRecord } from './encoding.ts'
import { merkleRoot, merkleTree } from './merkle.ts'
import type { TokenCrypto } from './token-crypto.ts'

/** What of an account everybody must agree on. */
export type Standing = Pick<Account, 'did' | 'seq' | 'head' | 'balance'>

/** A transfer that counts for good. */
export type Settled = { readonly account: string; readonly seq: number; readonly transfer: string }

/** Root over all accounts, in the byte order of their DIDs. Accounts that nothing ever happened to
 *  are left out, so that having heard of one changes nothing. */
export function stateRoot(crypto: TokenCrypto, accounts: Iterable<Standing>): Uint8Array {
  const standing = [...accounts].filter(({ seq, balance }) => seq > 0 || balance !== 0n)
  const leaves = standing
    .toSorted((a, b) => compare(a.did, b.did))
    .map(({ did, seq, head, balance }) =>
      encodeRecord({
        account: did,
        seq,
        ...(head !== undefined && { head }),
        balance: amountField(balance),
      }),
    )
  return merkleRoot(crypto, leaves)
}

/** The leaf of a settled transfer. */
export function settledLeaf({ account, seq, transfer }: Settled): Uint8Array {
  return encodeRecord({ account, seq, transfer })
}

/** Transfers in the order of the settled tree: by account, then by number. */
export function settledOrder(a: Settled, b: Settled): number {
  return compare(a.account, b.account) || a.seq - b.seq
}

/** The tree of an epoch's settled transfers, and the order its leaves stand in. */
export function settledTree(crypto: TokenCrypto, settled: Iterable<Settled>) {
  const sorted = [...settled].toSorted(settledOrder)
  return { sorted, ...merkleTree(crypto, sorted.map(settledLeaf)) }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
