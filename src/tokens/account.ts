/** A key of an account as a validator has first seen it, and until when it spends little only. */
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
  /** Others have judged its keys before this validator has met them: the first ones that it meets
   *  may have been changed a moment ago, so they are on hold like any that take another's place. */
  readonly keysUnmet?: true
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

/** An account with the keys of its document pinned. The first keys are taken as they are, unless
 *  others have met some before (`keysUnmet`); a key
 *  that takes another's place, and a device key that comes to an account which had none, is on hold
 *  for `holdHours`, the time in which a higher rotation key can take a change back (did:plc, 72
 *  hours). Without the latter, who runs the account's PDS could lift its limit at once. */
export function pinKeys(
  account: Account,
  keys: AccountKeys,
  now: string,
  holdHours: number,
): Account {
  const until = new Date(Date.parse(now) + holdHours * 3_600_000).toISOString()
  const isKnown = account.atproto !== undefined || account.keysUnmet === true
  const atproto = pinned(account.atproto, keys.atproto, isKnown, until)
  const angel = pinned(account.angel, keys.angel, isKnown, until)
  if (atproto === account.atproto && angel === account.angel) return account
  const { angel: _, ...rest } = account
  return { ...rest, atproto: atproto!, ...(angel && { angel }) }
}

function pinned(
  before: PinnedKey | undefined,
  key: string | undefined,
  isKnown: boolean,
  heldUntil: string,
): PinnedKey | undefined {
  // A document without the key does not free the account of it: that would be a way around it.
  if (key === undefined || before?.key === key) return before
  return isKnown ? { key, heldUntil } : { key }
}

/** The opening accounts of an epoch with the keys that a validator has pinned so far. A root covers
 *  no keys, so they come from nowhere else; an epoch that forgot them would end every hold. */
export function withPins(
  opening: ReadonlyMap<string, Account>,
  known: ReadonlyMap<string, Account>,
): Map<string, Account> {
  const accounts = new Map(opening)
  for (const { did, angel, atproto, keysUnmet } of known.values()) {
    const account = accounts.get(did)
    if (!account) continue
    const pins = { ...(angel && { angel }), ...(atproto && { atproto }) }
    accounts.set(did, { ...account, ...pins, ...(keysUnmet && { keysUnmet }) })
  }
  return accounts
}

/** Whether a change of key still binds the account to small sums. */
export function isOnHold(account: Account, now: string): boolean {
  const until = heldUntilOf(account)
  return until !== undefined && now < until
}

/** Until when changes of keys bind the account to small sums; undefined if none was changed. */
export function heldUntilOf({ angel, atproto }: Account): string | undefined {
  return [angel, atproto]
    .flatMap((one) => one?.heldUntil ?? [])
    .toSorted()
    .at(-1)
}
