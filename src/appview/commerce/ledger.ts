import { halfUp } from '../money/amount.ts'
import { REVENUE_SPLIT, splitRevenue } from '../money/revenue-split.ts'
import { type OrderFile, type Terms, capturedOf, settled, standing, total } from './order-file.ts'

/** An amount on an account, in minor units: money that is there is positive, money that is owed is
 *  negative. `party` tells one commission from the other. */
export type Posting = { readonly account: string; readonly party?: string; readonly amount: number }

/** What happened to money. Its postings come to nothing in sum; it is never changed. */
export type Entry = {
  readonly kind: string
  readonly currency: string
  readonly baseKind: string
  readonly ruleVersion: string
  readonly postings: readonly Posting[]
}

/** What the books of an order follow from. */
type Sums = {
  readonly captured: number
  readonly capturedTax: number
  /** Refunds that are asked for or confirmed. */
  readonly refunded: number
  readonly refundedTax: number
  readonly confirmed: number
  readonly fees: number
  readonly isCompleted: boolean
}

/** The account and the party of a posting, as one key of a balance. */
export function accountKey({ account, party }: Pick<Posting, 'account' | 'party'>): string {
  return party === undefined ? account : `${account}:${party}`
}

/** Of the tax of an order, what is in the first `captured` of its total; all of it when it is all
 *  there. */
export function taxIn(
  { taxAmount, totalAmount }: Pick<OrderFile['order'], 'taxAmount' | 'totalAmount'>,
  captured: number,
): number {
  if (captured >= totalAmount) return taxAmount
  return Number((BigInt(taxAmount) * BigInt(captured)) / BigInt(totalAmount))
}

/** What of a refund is tax, as near to what is wanted as what is left of tax and of net allows: so
 *  the refund after which nothing is left leaves nothing of either. */
export function taxOfRefund(file: OrderFile, amount: number, wanted: number): number {
  const { captured, capturedTax, refunded, refundedTax } = sumsOf(file)
  const leftTax = capturedTax - refundedTax
  const leftNet = captured - refunded - leftTax
  return Math.min(Math.max(wanted, amount - leftNet), leftTax, amount)
}

/** What came in and went back, as far as the books are concerned. */
export function sumsOf(file: OrderFile): Sums {
  const captured = capturedOf(file)
  const back = standing(file.refunds)
  return {
    captured,
    capturedTax: taxIn(file.order, captured),
    refunded: total(back, ({ amount }) => amount),
    refundedTax: total(back, ({ tax }) => tax),
    confirmed: total(settled(file.refunds), ({ amount }) => amount),
    fees: total(file.payments, ({ fee = 0 }) => fee),
    isCompleted: file.order.completedAt !== undefined,
  }
}

/**
 * What every account has of an order. It is a function of what came in and went back alone, so that
 * an order that was refunded whole leaves nothing on any account, however many steps it took
 * (`domain.md` §11.3): each party has its share of all that came in less its share of all that went
 * back, never a share of a single refund.
 */
export function balancesOf(file: OrderFile): ReadonlyMap<string, Posting> {
  const sums = sumsOf(file)
  const { captured, capturedTax, refunded, refundedTax, confirmed, fees } = sums
  const isTaxApart = file.terms.baseKind !== 'total'
  const [inTax, outTax] = isTaxApart ? [capturedTax, refundedTax] : [0, 0]
  const shares = sharesOf(file.terms, captured - inTax, refunded - outTax)
  const side = file.terms.baseKind === 'platform_fee' ? 'sellerNet' : 'humanPartner'
  const earned = commissionsOf(file, sums, shares[side] ?? 0)
  const selling = (shares[side] ?? 0) - total(earned, ({ amount }) => amount)
  const owed = Object.entries({ ...shares, [side]: selling }).map(([account, amount]) => ({
    account,
    amount: 0 - amount,
  }))
  const postings: Posting[] = [
    { account: 'customerClearing', amount: captured - confirmed - fees },
    { account: 'providerFees', amount: fees },
    { account: 'refundsPayable', amount: confirmed - refunded },
    { account: 'taxPayable', amount: outTax - inTax },
    ...owed,
    ...earned.map(({ party, amount }) => ({ account: 'commission', party, amount: 0 - amount })),
  ]
  return new Map(postings.map((posting) => [accountKey(posting), posting]))
}

/** The entry that takes the books from one state of an order to the next; undefined when nothing
 *  about money has changed. */
export function entryBetween(before: OrderFile, after: OrderFile, kind: string): Entry | undefined {
  const [was, is] = [balancesOf(before), balancesOf(after)]
  const postings = [...is].flatMap(([key, posting]) => {
    const amount = posting.amount - (was.get(key)?.amount ?? 0)
    return amount === 0 ? [] : [{ ...posting, amount }]
  })
  if (postings.length === 0) return undefined
  const { baseKind, ruleVersion } = after.terms
  return { kind, currency: after.order.currency, baseKind, ruleVersion, postings }
}

/** How the revenue of an order will be shared once it is paid, for showing. */
export function projectedShares(
  terms: Terms,
  { totalAmount, taxAmount }: Pick<OrderFile['order'], 'totalAmount' | 'taxAmount'>,
): Readonly<Record<string, number>> {
  return sharesOf(terms, terms.baseKind === 'total' ? totalAmount : totalAmount - taxAmount, 0)
}

/** What a net comes to as a fee under the terms, halves up. */
export function feeOf({ fee }: Pick<Terms, 'fee'>, net: number): number {
  if (!fee || fee.whole === 0) return 0
  return halfUp(BigInt(net) * BigInt(fee.part), BigInt(fee.whole))
}

function sharesOf(terms: Terms, came: number, went: number): Record<string, number> {
  const isFee = terms.baseKind === 'platform_fee'
  const [inBase, outBase] = isFee ? [feeOf(terms, came), feeOf(terms, went)] : [came, went]
  const [plus, minus] = [splitRevenue(inBase, REVENUE_SPLIT), splitRevenue(outBase, REVENUE_SPLIT)]
  const parties = Object.keys(plus) as (keyof typeof plus)[]
  const split = Object.fromEntries(parties.map((party) => [party, plus[party] - minus[party]]))
  return isFee ? { ...split, sellerNet: came - inBase - (went - outBase) } : split
}

/** Commissions are due once the order is completed, of what has not gone back, and never more than
 *  the selling side has. */
function commissionsOf({ order, terms }: OrderFile, sums: Sums, most: number) {
  const whole = order.totalAmount - order.taxAmount
  const net = sums.captured - sums.capturedTax - (sums.refunded - sums.refundedTax)
  let left = sums.isCompleted ? Math.max(0, most) : 0
  return terms.commissions.map(({ party, amount }) => {
    const due = whole > 0 ? Number((BigInt(amount) * BigInt(net)) / BigInt(whole)) : 0
    const earned = Math.min(left, due)
    left -= earned
    return { party, amount: earned }
  })
}
