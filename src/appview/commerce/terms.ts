import { commissionOf } from '../money/commission.ts'
import { REVENUE_SPLIT } from '../money/revenue-split.ts'
import { projectedShares } from './ledger.ts'
import type { Order, Terms } from './order-file.ts'

/** Who earns what of a line; `net` is what it costs less its discount, in minor units. */
export type Earning = { readonly net: number; readonly party: string; readonly rateBp: number }

/** How an order's revenue is shared from now on. A party that earns by several lines is named once.
 *  `fee` is set where a signed agreement says what the platform has (`domain.md` N-02). */
export function termsOf({
  base = 'net_of_tax',
  fee,
  earnings,
}: {
  base?: 'net_of_tax' | 'total' | undefined
  fee?: { part: number; whole: number } | undefined
  earnings: readonly Earning[]
}): Terms {
  const parties = new Map<string, number>()
  for (const { net, party, rateBp } of earnings)
    parties.set(party, (parties.get(party) ?? 0) + commissionOf(net, rateBp))
  return {
    baseKind: fee ? 'platform_fee' : base,
    ruleVersion: REVENUE_SPLIT.version,
    ...(fee && { fee }),
    commissions: [...parties].map(([party, amount]) => ({ party, amount })),
  }
}

/** What is expected of an order, for those who manage it: the shares, and the commissions that are
 *  inside the share of the selling side. */
export function projectionOf(terms: Terms, order: Pick<Order, 'totalAmount' | 'taxAmount'>) {
  const shares = projectedShares(terms, order)
  const base = terms.baseKind === 'total' ? order.totalAmount : order.totalAmount - order.taxAmount
  return { base, shares }
}
