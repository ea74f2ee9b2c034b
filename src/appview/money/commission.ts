import { halfUp } from './amount.ts'

/** A commission by the type of a product: its rate in basis points, and why, for people. */
export type CommissionTemplate = { readonly rateBp: number; readonly rationale: string }

const OTHER: CommissionTemplate = { rateBp: 300, rationale: 'Standard platform rate' }

/** What is usual for each type of product (`domain.md` N-01). */
const TEMPLATES: Readonly<Record<string, CommissionTemplate>> = {
  ai_print_demand: {
    rateBp: 1_500,
    rationale: 'Generation cost and fulfilment handled by the platform',
  },
  consultation_solo: {
    rateBp: 800,
    rationale: 'Personal expertise; platform provides booking and payment',
  },
  group_event: { rateBp: 1_200, rationale: 'Scalable delivery; participant management' },
  livekit_stream: { rateBp: 2_000, rationale: 'Streaming infrastructure' },
  digital_download: { rateBp: 1_000, rationale: 'Storage, bandwidth, delivery' },
  physical: { rateBp: 500, rationale: 'Low margin goods' },
  subscription: { rateBp: 600, rationale: 'Recurring billing management' },
  course_training: { rateBp: 1_500, rationale: 'Course hosting' },
  business_service: { rateBp: 400, rationale: 'Professional B2B service' },
  automation: { rateBp: 700, rationale: 'Integration with ongoing support' },
}

/** How much of a commission a sale brings by where it came from, in thousandths (`domain.md` N-03,
 * */
const MULTIPLIERS: Readonly<Record<string, number>> = {
  system_generated: 1_000,
  pickup_job: 500,
  referral_source: 1_500,
  repeat_customer: 500,
}

const WHOLE_BP = 10_000
const ONE = 1_000
const MULTIPLIER_MAX = 5 * ONE

/** Where sales come from. */
export const SALE_SOURCES: readonly string[] = Object.keys(MULTIPLIERS)

/** The usual commission of a type of product; the standard one for a type nobody knows. */
export function commissionTemplate(productType: string): CommissionTemplate {
  return Object.hasOwn(TEMPLATES, productType) ? TEMPLATES[productType]! : OTHER
}

/** What is agreed about the commission of a sale, each in basis points where it is. */
export type CommissionTerms = {
  readonly productType: string
  readonly customBp?: number | undefined
  readonly spaceBp?: number | undefined
  readonly tenantBp?: number | undefined
  readonly source: string
  /** Thousandths for sources, where the product has its own. */
  readonly multipliers?: Readonly<Record<string, number>> | undefined
}

/** The rate of a sale in basis points, 0 to 10,000, and which rule gave it: what is agreed for the
 *  product comes first, then for the space, for the tenant, and the template of its type
 *  (`domain.md` D-41, R-25). Half a basis point goes up. */
export function effectiveCommission(terms: CommissionTerms): { rateBp: number; rule: string } {
  const { productType, customBp, spaceBp, tenantBp, source, multipliers = {} } = terms
  const agreed = [
    ['product', customBp],
    ['space', spaceBp],
    ['tenant', tenantBp],
    ['template', commissionTemplate(productType).rateBp],
  ] as const
  const [rule, base] = agreed.find(([, bp]) => bp !== undefined)!
  const usual = Object.hasOwn(MULTIPLIERS, source) ? MULTIPLIERS[source]! : ONE
  const own = Object.hasOwn(multipliers, source) ? multipliers[source]! : usual
  const multiplier = Math.min(Math.max(own, 0), MULTIPLIER_MAX)
  const rateBp = Math.floor((base! * multiplier + ONE / 2) / ONE)
  return { rateBp: Math.min(Math.max(rateBp, 0), WHOLE_BP), rule }
}

/** What a rate comes to of an amount, in minor units, halves up. */
export function commissionOf(amount: number, rateBp: number): number {
  return halfUp(BigInt(amount) * BigInt(rateBp), 10_000n)
}
