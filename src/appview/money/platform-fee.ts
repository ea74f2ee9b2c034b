/** A fee in basis points, and the rule that gave it. */
export type Fee = { readonly feeBp: number; readonly rule: string }

const FLOOR_BP = 800
const CEILING_BP = 3_000
const STANDARD_BP = 1_500
const PERFORMANCE_FLOOR_BP = 1_000
const POINT_BP = 100
const STEP_PERCENT = 20n

/** Where each rate of a volume agreement begins, by the net volume of a month in minor units. */
const TIERS = [
  { upTo: 1_000_000, bp: 1_500 },
  { upTo: 5_000_000, bp: 1_200 },
  { upTo: 10_000_000, bp: 1_000 },
  { upTo: Number.POSITIVE_INFINITY, bp: 800 },
] as const

/** A negotiated fee, kept between 8 and 30 in a hundred (`domain.md` N-04). */
export function negotiatedFee(agreedBp: number): Fee {
  const feeBp = Math.min(Math.max(Math.round(agreedBp), FLOOR_BP), CEILING_BP)
  return { feeBp, rule: 'negotiated' }
}

/** A fee that follows growth: a point less for every full 20 in a hundred that this month is above
 *  the one before, a point more for every such step below it, between 10 and 15 in a hundred. With
 *  nothing in the month before there is no growth to speak of, and the fee stays. */
export function performanceFee(currentBp: number, net: { before: number; now: number }): Fee {
  const within = (bp: number) => Math.min(Math.max(bp, PERFORMANCE_FLOOR_BP), STANDARD_BP)
  const { before, now } = net
  if (before <= 0) return { feeBp: within(currentBp), rule: 'performance' }
  const steps = (BigInt(now - before) * 100n) / (BigInt(before) * STEP_PERCENT)
  return { feeBp: within(currentBp - Number(steps) * POINT_BP), rule: 'performance' }
}

/** What a month's net volume pays under a volume agreement, in minor units: each part of it by the
 *  tier it falls into, the whole rounded down. */
export function volumeFee(net: number): number {
  let [from, fee] = [0, 0n]
  for (const { upTo, bp } of TIERS) {
    const part = Math.max(0, Math.min(net, upTo) - from)
    fee += BigInt(part) * BigInt(bp)
    from = upTo
  }
  return Number(fee / 10_000n)
}

/** What is looked at for a fee that is reckoned from how a space does, each 0 to 100. */
export type Signals = {
  readonly velocity: number
  readonly engagement: number
  readonly quality: number
  readonly platformValue: number
  readonly market: number
  readonly competitive: number
}

const OPTIMIZED_FLOOR_BP = 800
const OPTIMIZED_CEILING_BP = 2_500
const MIDDLE_BP = 2_000
/** Basis points for each point a signal is away from 50. */
const WEIGHTS: Readonly<Record<keyof Signals, number>> = {
  velocity: -5,
  engagement: -3,
  quality: -3,
  platformValue: 4,
  market: 2,
  competitive: -2,
}

/** A fee by signals, between 8 and 25 in a hundred, and never more than a point away from the one
 *  it replaces. The inputs are to be stored beside it, so that it can be explained. */
export function optimizedFee(signals: Signals, currentBp: number): Fee {
  const names = Object.keys(WEIGHTS) as (keyof Signals)[]
  const moved = names.reduce((all, name) => all + WEIGHTS[name] * (signals[name] - 50), 0)
  const clamp = (bp: number, least: number, most: number) => Math.min(Math.max(bp, least), most)
  const wanted = clamp(MIDDLE_BP + moved, OPTIMIZED_FLOOR_BP, OPTIMIZED_CEILING_BP)
  const feeBp = Math.round(clamp(wanted, currentBp - POINT_BP, currentBp + POINT_BP))
  return { feeBp: clamp(feeBp, OPTIMIZED_FLOOR_BP, OPTIMIZED_CEILING_BP), rule: 'ai-optimized' }
}
