import { halfUp, requireAmount } from '../money/amount.ts'
import type { co } from '../../lexicons/index.ts'

type Discount = Omit<co.kendev.commerce.discount.Main, '$type'>

/** Why a code brings nothing, as customers are told. */
export type NoDiscount =
  | 'DiscountDisabled'
  | 'DiscountNotYet'
  | 'DiscountOver'
  | 'DiscountUsedUp'
  | 'DiscountBelowMinimum'
  | 'DiscountOtherCurrency'

/** The code as the key of its record: customers type it as they like. */
export function discountCode(entered: string): string {
  return entered.trim().toLowerCase()
}

/** What a reduction comes to of goods that cost `subtotal` minor units, never more than that; or
 *  why it does not count. Who asks counts how often it was used, in all and by this customer, in
 *  the transaction that uses it. */
export function discountOf(
  discount: Discount,
  order: {
    readonly subtotal: number
    readonly currency: string
    readonly now: Date
    readonly used: number
    readonly usedByCustomer: number
  },
): { readonly amount: number } | { readonly refused: NoDiscount } {
  const subtotal = requireAmount(order.subtotal)
  const against = refusalOf(discount, order)
  if (against) return { refused: against }
  if (discount.kind === 'percent') {
    const rate = BigInt(discount.rateBp ?? 0)
    return { amount: Math.min(subtotal, halfUp(BigInt(subtotal) * rate, 10_000n)) }
  }
  return { amount: Math.min(subtotal, discount.amount ?? 0) }
}

function refusalOf(d: Discount, order: Parameters<typeof discountOf>[1]): NoDiscount | undefined {
  const at = order.now.getTime()
  if (d.disabled) return 'DiscountDisabled'
  if (d.startsAt !== undefined && at < Date.parse(d.startsAt)) return 'DiscountNotYet'
  if (d.endsAt !== undefined && at >= Date.parse(d.endsAt)) return 'DiscountOver'
  const isSpent = d.limitTotal !== undefined && order.used >= d.limitTotal
  const isSpentHere = d.limitPerCustomer !== undefined && order.usedByCustomer >= d.limitPerCustomer
  if (isSpent || isSpentHere) return 'DiscountUsedUp'
  if (d.currency !== undefined && d.currency !== order.currency) return 'DiscountOtherCurrency'
  return order.subtotal < (d.minimumSubtotal ?? 0) ? 'DiscountBelowMinimum' : undefined
}
