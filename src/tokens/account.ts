/** A key of an account as a validator has first seen it, and until when it may spend little only. */
export type PinnedKey = { readonly key: string; readonly heldUntil?: string }

/** The state of an account at a validator. */
export type Account = {
  readonly did: string
  /** Number of the last transfer applied; 0 before the first. */
  readonly seq: number
  /** Id of that transfer. */
  readonly head?: string
  /** micro-tokens; below zero only while a certificate of a credit has not come yet */
  readonly balance: bigint
  /** Debited in this epoch, micro-tokens. */
  readonly spent: bigint
  /** `#angel` of the DID document. */
  readonly angel?: PinnedKey
  /** `#atproto` of the DID document. */
  readonly atproto?: PinnedKey
}

/** An account nobody has heard of yet. */
export function emptyAccount(did: string): Account {
  return { did, seq: 0, balance: 0n, spent: 0n }
}

/** What the DID document of an account says at the moment. */
export type AccountKeys = {
  readonly did: string
  /** did:key of `#atproto` */
  readonly atproto: string
  /** did:key of `#angel`, of P-256 or k256 */
  readonly angel?: string
  readonly tombstoned?: boolean
}

/** An account with the keys of its document pinned. The first keys are taken as they are; a key
 *  that takes another's place is on hold for `holdHours`, the time in which a higher rotation key
 *  can take a change back (did:plc, 72 hours). */
export function pinKeys(
  account: Account,
  keys: AccountKeys,
  now: string,
  holdHours: number,
): Account {
  const atproto = pinned(account.atproto, keys.atproto, now, holdHours)
  const angel = pinned(account.angel, keys.angel, now, holdHours)
  if (atproto === account.atproto && angel === account.angel) return account
  const { angel: _, ...rest } = account
  return { ...rest, atproto: atproto!, ...(angel && { angel }) }
}

function pinned(
  before: PinnedKey | undefined,
  key: string | undefined,
  now: string,
  holdHours: number,
): PinnedKey | undefined {
  // A document without the key does not free the account of it: that would be a way around it.
  if (key === undefined || before?.key === key) return before
  if (before === undefined) return { key }
  const until = new Date(Date.parse(now) + holdHours * 3_600_000).toISOString()
  return { key, heldUntil: until }
}

/** Whether a change of key still binds the account to small sums. */
export function isOnHold({ angel, atproto }: Account, now: string): boolean {
  return [angel, atproto].some((one) => one?.heldUntil !== undefined && now < one.heldUntil)
}
