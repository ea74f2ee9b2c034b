/** What a customer has paid in one currency; amounts in minor units. */
export type Paid = {
  readonly currency: string
  readonly orders: number
  readonly paid: number
  readonly refunded: number
}

/** What a customer has brought and is expected to bring; null where it cannot be told. */
export type Worth = Paid & {
  readonly historical: number
  readonly averageOrder: number | null
  readonly ordersPerMonth: number | null
  readonly predicted: number | null
}

const MONTH_DAYS = 30.44
const DAY = 86_400_000
const MONTHS_MAX = 60
const THOUSANDTHS = 1_000
const WHOLE_BP = 10_000

/** The value of a customer (`domain.md` N-20): what is left of what they paid, and what is expected
 *  of them: the average order, times orders in a month, times the months a customer stays, which
 *  are 60 at most. `churnBp` is how many of the customers of a month do not come back. */
export function worthOf(
  paid: Paid,
  { first, now, churnBp }: { first: Date; now: Date; churnBp: number | null },
): Worth {
  const historical = paid.paid - paid.refunded
  if (paid.orders === 0)
    return { ...paid, historical, averageOrder: null, ordersPerMonth: null, predicted: null }
  const averageOrder = Math.round(historical / paid.orders)
  const months = Math.max(1, (now.getTime() - first.getTime()) / (MONTH_DAYS * DAY))
  const ordersPerMonth = Math.round((paid.orders * THOUSANDTHS) / months)
  const stays = staysFor(churnBp)
  const predicted =
    stays === null ? null : Math.round((averageOrder * ordersPerMonth * stays) / THOUSANDTHS)
  return { ...paid, historical, averageOrder, ordersPerMonth, predicted }
}

/** For how many months a customer stays; null while nobody can tell. */
function staysFor(churnBp: number | null): number | null {
  if (churnBp === null) return null
  return churnBp === 0 ? MONTHS_MAX : Math.min(MONTHS_MAX, WHOLE_BP / churnBp)
}
