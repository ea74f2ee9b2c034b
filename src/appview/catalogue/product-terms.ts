import { commissionTemplate, effectiveCommission, SALE_SOURCES } from '../money/commission.ts'
import type { co } from '../../lexicons/index.ts'

type Terms = Omit<co.kendev.commerce.productTerms.Main, '$type'>

/** What is agreed about a product, as the rates of its sales are worked out from it. */
export function agreedOf(terms: Terms | undefined): {
  customBp: number | undefined
  multipliers: Readonly<Record<string, number>>
} {
  const { useCustomRate, customCommissionRate, sourceMultipliers: own = {} } = terms ?? {}
  const given = {
    system_generated: own.systemGenerated,
    pickup_job: own.pickupJob,
    referral_source: own.referralSource,
    repeat_customer: own.repeatCustomer,
  }
  return {
    customBp: useCustomRate ? customCommissionRate : undefined,
    multipliers: Object.fromEntries(
      Object.entries(given).flatMap(([source, value]) =>
        value === undefined ? [] : [[source, value]],
      ),
    ),
  }
}

/** What each source of a sale brings of it, with the usual rate of the type and why (`domain.md`
 *  D-40, D-41, R-25). */
export function commissionOfProduct(agreed: {
  readonly productType: string
  readonly terms: Terms | undefined
  readonly spaceBp: number | undefined
  readonly tenantBp: number | undefined
}) {
  const { productType, terms, spaceBp, tenantBp } = agreed
  const { rateBp, rationale } = commissionTemplate(productType)
  return {
    commissionTemplate: { defaultRate: rateBp, rationale },
    rates: SALE_SOURCES.map((source) => ({
      source,
      ...effectiveCommission({ productType, ...agreedOf(terms), spaceBp, tenantBp, source }),
    })),
  }
}
