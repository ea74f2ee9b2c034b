/** How a measure of one variant relates to the same round's measure of another. */
export type Ratio = { median: number; min: number; max: number }

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** The smallest value that at least the share `p` (0 to 1) of all values do not exceed. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.ceil(p * sorted.length)
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank - 1))] ?? NaN
}

/**
 * The ratios of each round, `ours` over `reference`: what slows the machine down for a while slows
 * both sides of a round, so their ratio holds where the figures alone do not.
 */
export function pairedRatio(ours: readonly number[], reference: readonly number[]): Ratio {
  if (ours.length !== reference.length) throw new Error('rounds without a pair')
  const ratios = ours.map((value, round) => value / (reference[round] ?? NaN))
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
}

/** The order of the variants in a round: there in one, back in the next (ABBA). */
export function orderOf<T>(variants: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...variants] : variants.toReversed()
}
