/** What a network takes for a transfer that leaves its node. */
export type FeeRule = {
  /** Hundredths of a percent of the amount, an integer that is not negative. */
  readonly basisPoints: number
  /** The least fee, micro-tokens. */
  readonly minimum: bigint
}

/** Half a percent, at least 1,000 micro-tokens. */
export const NETWORK_FEE: FeeRule = { basisPoints: 50, minimum: 1_000n }

/** The fee of a transfer in micro-tokens, rounded down: nothing within one node. It is a leg of its
 *  own beside the amount, and never taken out of it. `amount` is not negative. */
export function networkFee(
  amount: bigint,
  isCrossNode: boolean,
  { basisPoints, minimum }: FeeRule = NETWORK_FEE,
): bigint {
  if (!isCrossNode || amount === 0n) return 0n
  const share = (amount * BigInt(basisPoints)) / 10_000n
  return share < minimum ? minimum : share
}
