/** The amount, when it is one: minor units of a currency, a safe integer and not negative. Throws a
 *  `RangeError` for everything else. */
export function requireAmount(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 0) return amount
  throw new RangeError(`${amount} is no amount of minor units`)
}

/** The nearest integer to a fraction that is not negative; halves go up. */
export function halfUp(above: bigint, below: bigint): number {
  return Number((2n * above + below) / (2n * below))
}
