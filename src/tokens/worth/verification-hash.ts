import { cid, did } from '../shape.ts'

/** What a balance is the result of. */
export type VerifiedBalance = {
  readonly user: string
  /** micro-tokens */
  readonly balance: bigint
  /** Id of the last transfer counted, its own or to it; absent where there is none. */
  readonly last?: string
  /** How many transfers are counted. */
  readonly count: number
}

/**
 * The hash by which two folds of one account are compared: SHA-256 in hex over four lines of ASCII,
 * each ended by a line feed: DID, balance in micro-tokens, id of the last transfer (an empty line
 * for none), and count, both numbers in decimal without leading zeros. No field can hold a line
 * feed, so no two balances are written alike, and anybody can repeat it:
 * `printf '%s\n' DID BALANCE LAST COUNT | sha256sum`.
 * Throws RangeError for a user, id or count that cannot be.
 */
export function verificationHash(
  sha256: (bytes: Uint8Array) => Uint8Array,
  { user, balance, last, count }: VerifiedBalance,
): string {
  const fault = did(user, 'user') ?? (last === undefined ? undefined : cid(last, 'last'))
  if (fault !== undefined) throw new RangeError(fault)
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`count is ${count}`)
  const lines = [user, `${balance}`, last ?? '', `${count}`]
  const text = lines.map((line) => `${line}\n`).join('')
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0))
  return Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
