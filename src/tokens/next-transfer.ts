import { readTransfer, signSpend, transferId } from './transfer.ts'
import { TRANSFER, type Transfer, type ReadTransfer } from './transfer.ts'
import { encodeRecord } from './encoding.ts'
import { type Refusal } from './refusal.ts'
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'

/** What the next transfer of an account follows. */
export type Place = {
  /** Whose it is. */
  readonly account: string
  /** CID of the first epoch. */
  readonly ledger: string
  readonly epoch: number
  /** Number and id of the last transfer that was applied; 0 and none before the first. */
  readonly seq: number
  readonly head?: string
}

/** Makes the transfer that comes next in an account, signed with its device key where that is
 *  given, and refuses what no validator would read. */
export function nextTransfer(
  crypto: TokenCrypto,
  place: Place,
  wanted: Pick<Transfer, 'kind' | 'credits' | 'createdAt'> & Partial<Transfer>,
  signer?: TokenSigner,
): ReadTransfer | Refusal {
  const { account, ledger, epoch, seq, head } = place
  const before = head === undefined ? {} : { prev: head }
  const at = { $type: TRANSFER, ledger, epoch, seq: seq + 1, ...before } as const
  const transfer: Transfer = { ...wanted, ...at, signatures: [] }
  const signatures = signer ? [signSpend(signer, transferId(crypto, account, transfer))] : []
  return readTransfer(crypto, account, encodeRecord({ ...transfer, signatures }))
}
