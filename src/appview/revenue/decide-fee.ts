import {
  type Fee,
  type Signals,
  negotiatedFee,
  optimizedFee,
  performanceFee,
} from '../money/platform-fee.ts'

/** What a fee is decided by. */
export type FeeBasis = {
  readonly agreement: string
  readonly agreedBp?: number | undefined
  /** The fee in force, in basis points. */
  readonly beforeBp: number
  /** Net of the two months before, in minor units of one currency. */
  readonly months: { readonly before: number; readonly now: number }
  readonly signals?: Signals | undefined
}

/** A fee as decided, with all that it was worked out from. */
export type DecidedFee = Fee & {
  readonly inputs: readonly { readonly name: string; readonly value: number }[]
  readonly effectiveAt: Date
}

const DAY = 86_400_000
/** Whoever pays more is told so long before (`domain.md` N-04). */
export const NOTICE_MS = 30 * DAY
/** What a standard agreement takes, in basis points. */
export const STANDARD_BP = 1_500
/** Where a fee by signals begins. */
export const OPTIMIZED_BP = 2_000
/** Version of these rules, stored beside each decision. */
export const FEE_RULES = '2026-1'

/** Decides about a fee; a higher one holds only after the notice. Undefined where the agreement
 *  asks for signals that were not given. */
export function decideFeeBy(basis: FeeBasis, now: Date): DecidedFee | undefined {
  const found = feeBy(basis)
  if (!found) return undefined
  const { fee, inputs } = found
  const isHigher = fee.feeBp > basis.beforeBp
  return { ...fee, inputs, effectiveAt: isHigher ? new Date(+now + NOTICE_MS) : now }
}

function feeBy({ agreement, agreedBp, beforeBp, months, signals }: FeeBasis) {
  const before = { name: 'before', value: beforeBp }
  if (agreement === 'negotiated') {
    const agreed = agreedBp ?? STANDARD_BP
    return { fee: negotiatedFee(agreed), inputs: [before, { name: 'agreed', value: agreed }] }
  }
  if (agreement === 'performance') {
    const inputs = [
      before,
      { name: 'monthBefore', value: months.before },
      { name: 'month', value: months.now },
    ]
    return { fee: performanceFee(beforeBp, months), inputs }
  }
  if (agreement !== 'ai-optimized')
    return { fee: { feeBp: STANDARD_BP, rule: agreement }, inputs: [before] }
  if (!signals) return undefined
  const inputs = Object.entries(signals).map(([name, value]) => ({ name, value }))
  return { fee: optimizedFee(signals, beforeBp), inputs: [before, ...inputs] }
}
