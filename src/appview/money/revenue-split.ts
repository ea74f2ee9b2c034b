import { requireAmount } from './amount.ts'
import { floorShare } from './floor-share.ts'

/** Who the revenue of an order is for. */
export type Party = 'aiPartner' | 'humanPartner' | 'platformOperations' | 'justiceFund'

/** What each party has of an amount, in minor units of one currency. */
export type Split = Readonly<Record<Party, number>>

/** A way to split, by basis points of every party but the one that has what is left. */
export type SplitRule = {
  /** Stored beside what was split, so that it can be checked later. */
  readonly version: string
  readonly shares: Readonly<Record<Exclude<Party, 'platformOperations'>, number>>
}

/** 15, 30, 50 and 5 parts of a hundred, platform operations with what rounding leaves
 *  (`domain.md` N-02). */
export const REVENUE_SPLIT: SplitRule = {
  version: '2026-1',
  shares: { aiPartner: 1_500, humanPartner: 3_000, justiceFund: 500 },
}

/** Splits an amount of minor units, which must be a safe integer and not negative: every share is
 *  rounded down, and what is left goes to platform operations, so the shares add up exactly. */
export function splitRevenue(base: number, rule: SplitRule = REVENUE_SPLIT): Split {
  requireAmount(base)
  const share = (bp: number) => Number(floorShare(BigInt(base), bp))
  const { aiPartner, humanPartner, justiceFund } = rule.shares
  const parts = {
    aiPartner: share(aiPartner),
    humanPartner: share(humanPartner),
    justiceFund: share(justiceFund),
  }
  const others = parts.aiPartner + parts.humanPartner + parts.justiceFund
  return { ...parts, platformOperations: base - others }
}

/** What a further refund takes back from each party when `before` of the base was refunded already:
 *  the split of all that is refunded then, less what was taken back. After a full refund nothing is
 *  left with anybody (`domain.md` §11.3). */
export function splitRefund(
  { base, before, refund }: { base: number; before: number; refund: number },
  rule: SplitRule = REVENUE_SPLIT,
): Split {
  for (const amount of [base, before, refund]) requireAmount(amount)
  if (before + refund > base) throw new RangeError('more is refunded than was paid')
  const [to, from] = [splitRevenue(before + refund, rule), splitRevenue(before, rule)]
  return {
    aiPartner: to.aiPartner - from.aiPartner,
    humanPartner: to.humanPartner - from.humanPartner,
    justiceFund: to.justiceFund - from.justiceFund,
    platformOperations: to.platformOperations - from.platformOperations,
  }
}
