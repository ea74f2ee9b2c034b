const WHOLE_BP = 10_000n

/** The share of an amount by basis points, rounded down: it never falls when the amount grows, so
 *  shares of a growing total can be taken as differences (`domain.md` §11.3). */
export function floorShare(amount: bigint, basisPoints: number): bigint {
  return (amount * BigInt(basisPoints)) / WHOLE_BP
}
