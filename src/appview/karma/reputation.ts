/** What a person has become by their karma, from the least to the most (`domain.md` N-11). */
const LEVELS = [
  { from: 5_000, level: 'elder' },
  { from: 2_500, level: 'network_steward' },
  { from: 1_000, level: 'guardian_angel' },
  { from: 100, level: 'contributor' },
] as const

/** The score from which somebody is a Guardian Angel (`domain.md` D-02). */
export const ANGEL_SCORE = 1_000

/** Kinds of contribution that reputation is reckoned from. */
export type Contribution =
  | 'community_support'
  | 'content_creation'
  | 'mentorship'
  | 'justice_advocacy'
  | 'technical_help'

/** What each kind of contribution weighs, in thousandths. */
const WEIGHTS: Readonly<Record<Contribution, bigint>> = {
  community_support: 300n,
  content_creation: 250n,
  mentorship: 200n,
  justice_advocacy: 150n,
  technical_help: 100n,
}

/** Half of a weight is reached with this much karma. */
const HALF = 500n

/** The level of a score. */
export function contributionLevel(score: number): string {
  return LEVELS.find(({ from }) => score >= from)?.level ?? 'newcomer'
}

/** 0 to 1000, from the karma of each kind of contribution; 0 for whoever is not known to be a human
 *  being. It is the sum that is rounded down, so the fractions are added exactly. */
export function humanWorthScore(
  karma: Readonly<Partial<Record<Contribution, number>>>,
  isHuman: boolean,
): number {
  if (!isHuman) return 0
  let [above, below] = [0n, 1n]
  for (const [kind, weight] of Object.entries(WEIGHTS)) {
    const k = BigInt(karma[kind as Contribution] ?? 0)
    above = above * (k + HALF) + weight * k * below
    below *= k + HALF
  }
  return Number(above / below)
}

/** 0 to 100, from what went well and what did not (a Beta reputation): 50 for nothing yet. */
export function trustRating(of: {
  confirmedTransfers: number
  acceptedAwards: number
  failed: number
  reversed: number
  upheldFlags: number
}): number {
  const r = BigInt(of.confirmedTransfers) + BigInt(of.acceptedAwards)
  const s = BigInt(of.failed) + 3n * BigInt(of.reversed) + 3n * BigInt(of.upheldFlags)
  return rounded(100n * (r + 1n), r + s + 2n)
}

/** 0 to 100, from how many different people recognise somebody, on how many different nodes. */
export function networkInfluence(recognisers: number, nodes: number): number {
  if (recognisers === 0) return 0
  // 1 + d/20 + (m − 1)/2, in twentieths.
  const twentieths = 20n + BigInt(recognisers) + 10n * (BigInt(nodes) - 1n)
  return rounded(100n * (twentieths - 20n), twentieths)
}

/** 0 to 100: what a contribution has brought about (`domain.md` N-08). */
export function impactScore(of: {
  contribution: Contribution
  /** Different people who have seen it. */
  witnesses: number
  hasEvidence: boolean
  /** Whether the person who was helped says so. */
  isConfirmed: boolean
}): number {
  const witness = 10 * Math.min(of.witnesses, 3)
  const rest = (of.hasEvidence ? 10 : 0) + (of.isConfirmed ? 20 : 0)
  return Math.min(100, BASE[of.contribution] + witness + rest)
}

const BASE: Readonly<Record<Contribution, number>> = {
  community_support: 30,
  mentorship: 30,
  justice_advocacy: 30,
  technical_help: 25,
  content_creation: 20,
}

/** The nearest integer to a fraction that is not negative; halves go up. */
function rounded(above: bigint, below: bigint): number {
  return Number((2n * above + below) / (2n * below))
}
