import { readInstant } from './read-instant.ts'

/** Micro-tokens or other units given for one unit, as a fraction of whole numbers. */
export type Rate = { readonly num: bigint; readonly den: bigint }

/**
 * What a liquidity provider offers: micro-tokens of one ledger for those of another.
 * The fee stands beside what is exchanged. A customer who pays `amount` to the provider spends
 * `amount + fee`: two credits of one transfer, the second of the role `fee`. The rate applies to
 * the first alone, so that no fee hides in the rate.
 */
export type Quote = Rate & {
  /** Of the network, micro-tokens of the ledger that is paid on. */
  readonly fee: bigint
  /** Least that the customer must be given, micro-tokens of the other ledger. */
  readonly minOut: bigint
  /** Most that is taken, micro-tokens; without it there is no end to what the provider owes. */
  readonly maxIn?: bigint
  /** Who alone may take it. */
  readonly customer?: string
  readonly expiresAt: string
}

/** From a customer to the provider. `at` is when it was certified, not when it was made. */
export type PaidLeg = {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly amount: bigint
  readonly fee: bigint
  readonly at: string
}

/** From the provider to the customer, on the other ledger; `answers` is the id of what was paid. */
export type DeliveredLeg = {
  readonly answers: string
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** Whether a quote can be followed at all: others give an amount out for nothing or for no time. */
export function isSoundQuote({ num, den, fee, minOut, expiresAt }: Quote): boolean {
  const isRate = num > 0n && den > 0n
  return isRate && fee >= 0n && minOut >= 1n && readInstant(expiresAt) !== undefined
}

/** What the provider owes for an amount without its fee, rounded down, at a rate above zero. */
export function amountOut(amount: bigint, { num, den }: Rate): bigint {
  return (amount * num) / den
}

/** Whether the quote has ended: from `expiresAt` on. `now` is milliseconds since 1970. A time that
 *  cannot be read has passed. */
export function isExpired({ expiresAt }: Pick<Quote, 'expiresAt'>, now: number): boolean {
  const end = readInstant(expiresAt)
  return end === undefined || now >= end
}

/** Whether a payment takes the quote: by whom it is for, in time, with the fee it names, for enough
 *  and not for more than it says. */
export function takesQuote(paid: PaidLeg, quote: Quote): boolean {
  const at = readInstant(paid.at)
  const isInTime = at !== undefined && !isExpired(quote, at)
  const isEnough = isSoundQuote(quote) && amountOut(paid.amount, quote) >= quote.minOut
  const isMeant = quote.customer === undefined || quote.customer === paid.from
  const isWithin = quote.maxIn === undefined || paid.amount <= quote.maxIn
  return isInTime && isEnough && isMeant && isWithin && paid.fee === quote.fee
}

/** Whether a delivery is by whom was paid, to who has paid, for this payment. */
function isAnswer(delivered: DeliveredLeg, paid: PaidLeg): boolean {
  const isBetween = delivered.from === paid.to && delivered.to === paid.from
  return isBetween && delivered.answers === paid.id
}

/** Whether the two legs are the exchange that the quote promises, to the micro-token. When the
 *  delivery comes does not matter: a late one is better than none. */
export function legsMatch(paid: PaidLeg, delivered: DeliveredLeg, quote: Quote): boolean {
  const isDue = takesQuote(paid, quote) && isAnswer(delivered, paid)
  return isDue && delivered.amount === amountOut(paid.amount, quote)
}

/**
 * What the provider owes back on the ledger it was paid on, micro-tokens.
 * Nothing for a payment that takes the quote once all of it or more was delivered, nor while it may
 * still be, until `deliverBy`. Otherwise, and at once for a payment that does not take the quote,
 * all but the least amount that would have bought what was delivered; of a quote that is none, all.
 * The fee is not part of it: the network has it, for work that was done.
 * `now` and `deliverBy` are milliseconds since 1970.
 */
export function refundDue(input: {
  readonly paid: PaidLeg
  readonly delivered?: DeliveredLeg
  readonly quote: Quote
  readonly deliverBy: number
  readonly now: number
}): bigint {
  const { paid, delivered, quote, deliverBy, now } = input
  const given = delivered && isAnswer(delivered, paid) ? delivered.amount : 0n
  if (!isSoundQuote(quote)) return paid.amount
  const isTaken = takesQuote(paid, quote)
  if (isTaken && (given >= amountOut(paid.amount, quote) || now < deliverBy)) return 0n
  const bought = (given * quote.den + quote.num - 1n) / quote.num
  return bought >= paid.amount ? 0n : paid.amount - bought
}

/** What micro-tokens are exchanged from. */
export type Source = 'angel_tokens' | 'karma_points' | 'usd'

/** Micro-tokens for one unit of a source: a token is a token, and 100 karma points are one. For
 *  dollars there is none unless the operator has set one. */
export function sourceRate(source: Source, usd?: Rate): Rate | undefined {
  if (source === 'angel_tokens') return { num: 1_000_000n, den: 1n }
  if (source === 'karma_points') return { num: 10_000n, den: 1n }
  return usd
}

/** A rate in micro-tokens for a unit as records have it: tokens for a unit times 10⁶, rounded
 *  down. Throws for what no record can hold. */
export function rateField({ num, den }: Rate): number {
  const rate = num / den
  if (rate < 0n || rate > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`rate ${rate}`)
  return Number(rate)
}
