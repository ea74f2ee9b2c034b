import type { AccountKeys } from './account.ts'
import type { Order } from './ledger-view.ts'
import { type Refusal, isRefusal } from './refusal.ts'
import type { TokenCrypto } from './token-crypto.ts'
import { checkSpend, readTransfer } from './transfer.ts'

/** A transfer as it comes in: its bytes, and what shows that they stand in the account's repo. */
export type Submission = {
  readonly account: string
  readonly record: Uint8Array
  /** The CAR of the record: commit, way through the tree, record. */
  readonly car: Uint8Array
}

/** Refuses unless the CAR shows the record at its place under a commit signed by `atproto`. */
export type CheckInRepo = (
  submission: Submission,
  place: { readonly seq: number; readonly atproto: string },
) => Refusal | undefined

/**
 * Checks the proofs of a transfer: the repo's owner has committed it, and the account's device key
 * has signed the spending. Both are needed, since a PDS holds the one and can make commits of its
 * own. An account without a device key spends with the commit alone, up to the epoch's limit.
 */
export function checkOrder(
  crypto: TokenCrypto,
  submission: Submission,
  keys: AccountKeys,
  inRepo: CheckInRepo,
): Order | Refusal {
  const read = readTransfer(crypto, submission.account, submission.record)
  if (isRefusal(read)) return read
  const { atproto, angel } = keys
  const outside = inRepo(submission, { seq: read.transfer.seq, atproto })
  if (outside) return outside
  if (angel === undefined) return { ...read, senderKey: atproto, keys }
  const unsigned = checkSpend(crypto, read, angel)
  return unsigned ?? { ...read, senderKey: angel, keys }
}
