import { type Refusal, refuse } from './refusal.ts'

/** Digits behind the point: one Angel Token is 10⁶ micro-tokens. Fixed for the life of a ledger. */
export const SCALE = 6

/** One token in micro-tokens. */
export const TOKEN = 1_000_000n

/** The most micro-tokens there may ever be, 9.0·10¹⁵: below 2^53, so that no sum of balances can
 *  leave the integers of a JavaScript number. */
export const SUPPLY_CAP = 9_000_000_000_000_000n

/** The amount as an integer that may be added up; refuses what is no whole number from 1 to the
 *  supply cap. */
export function readAmount(value: unknown): bigint | Refusal {
  if (!Number.isSafeInteger(value)) return refuse('BadAmount', `${nameOf(value)} is no integer`)
  const amount = BigInt(value as number)
  if (amount < 1n || amount > SUPPLY_CAP) {
    return refuse('BadAmount', `${amount} is not from 1 to ${SUPPLY_CAP}`)
  }
  return amount
}

/** What was given instead of an integer. A map may have any keys, `toString` too. */
function nameOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? `${value}` : 'what is there'
}

/** An amount as records have it. Throws for what no record can hold: a bug, never bad input. */
export function amountField(amount: bigint): number {
  if (amount < -SUPPLY_CAP || amount > SUPPLY_CAP) throw new RangeError(`${amount} micro-tokens`)
  return Number(amount)
}

/** Shows micro-tokens as tokens, without trailing zeros: 1500000 is 1.5. */
export function showTokens(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  const rest = (size % TOKEN).toString().padStart(SCALE, '0').replace(/0+$/, '')
  return `${sign}${size / TOKEN}${rest === '' ? '' : `.${rest}`}`
}

/** Reads tokens as people write them (`12`, `0.25`) into micro-tokens; undefined for anything that
 *  is not a positive amount with at most six digits behind the point. */
export function readTokens(text: string): bigint | undefined {
  const parts = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text)
  if (!parts) return undefined
  const amount = BigInt(parts[1]!) * TOKEN + BigInt((parts[2] ?? '').padEnd(SCALE, '0'))
  return amount >= 1n && amount <= SUPPLY_CAP ? amount : undefined
}
