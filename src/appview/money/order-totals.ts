import { halfUp, requireAmount } from './amount.ts'

/** A line of an order; amounts in minor units. */
export type Line = {
  readonly unitPrice: number
  readonly quantity: number
  /** Of the discounted amount, in basis points; 0 for what is not taxed. */
  readonly taxBp: number
}

/** A line with what it comes to. */
export type TotalledLine = Line & {
  readonly totalPrice: number
  readonly discount: number
  readonly tax: number
}

/** What an order comes to. Each figure is the sum of those of its lines. */
export type Totals = {
  readonly lines: readonly TotalledLine[]
  readonly subtotal: number
  readonly discount: number
  readonly tax: number
  readonly shipping: number
  readonly total: number
}

/**
 * Adds an order up: the discount is spread over the lines by largest remainder, tax is reckoned of
 * each line as discounted, halves up, and then summed (`domain.md` D-46, §11.3). A discount of more
 * than the order is the whole of it. With `taxIncluded` prices are with tax: what is paid for a
 * line is its discounted price, and the tax is a part of that. Throws a `RangeError` for what is
 * no amount.
 */
export function orderTotals(
  lines: readonly Line[],
  {
    discount = 0,
    shipping = 0,
    taxIncluded = false,
  }: { discount?: number; shipping?: number; taxIncluded?: boolean } = {},
): Totals {
  for (const amount of [discount, shipping]) requireAmount(amount)
  const prices = lines.map(({ unitPrice, quantity, taxBp }) => {
    for (const amount of [unitPrice, quantity, taxBp]) requireAmount(amount)
    return requireAmount(unitPrice * quantity)
  })
  const subtotal = requireAmount(sum(prices))
  const off = spread(Math.min(discount, subtotal), prices)
  const totalled = lines.map((line, n) => {
    const tax = taxOf(prices[n]! - off[n]!, line.taxBp, taxIncluded)
    return { ...line, totalPrice: prices[n]!, discount: off[n]!, tax }
  })
  const tax = sum(totalled.map((line) => line.tax))
  const given = sum(off)
  const total = requireAmount(subtotal - given + (taxIncluded ? 0 : tax) + shipping)
  return { lines: totalled, subtotal, discount: given, tax, shipping, total }
}

function taxOf(amount: number, bp: number, isIncluded: boolean): number {
  const whole = isIncluded ? 10_000n + BigInt(bp) : 10_000n
  return halfUp(BigInt(amount) * BigInt(bp), whole)
}

/** Spreads an amount by weights, exactly: each has its share rounded down, and what is left goes
 *  one by one to those who lost most, the first of equals first. With no weight nobody has any. */
export function spread(amount: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((all, weight) => all + BigInt(weight), 0n)
  if (whole === 0n) return weights.map(() => 0)
  const shares = weights.map((weight, n) => {
    const exact = BigInt(amount) * BigInt(weight)
    return { n, share: Number(exact / whole), lost: exact % whole }
  })
  const left = amount - sum(shares.map(({ share }) => share))
  const first = shares.toSorted((a, b) =>
    a.lost === b.lost ? a.n - b.n : a.lost > b.lost ? -1 : 1,
  )
  const lucky = new Set(first.slice(0, left).map(({ n }) => n))
  return shares.map(({ n, share }) => share + (lucky.has(n) ? 1 : 0))
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((all, amount) => all + amount, 0)
}
