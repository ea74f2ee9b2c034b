import { commissionOf, effectiveCommission } from '../money/commission.ts'

/** What decides the commission of an appointment. */
export type CommissionFacts = {
  readonly appointmentType: string
  /** Where it came from: `system_generated`, `pickup_job`, `referral_source`, `repeat_customer`. */
  readonly source: string
  /** The linked product's, where there is one: it comes before the type of appointment. */
  readonly product?:
    | {
        readonly productType: string
        readonly customBp?: number | undefined
        readonly multipliers?: Readonly<Record<string, number>> | undefined
      }
    | undefined
}

/** The commission of an appointment (`domain.md` D-60, D-61, N-03): its rate in basis points by
 *  type and source, and what that is of the net amount earned, in minor units, halves up. It is
 *  booked when the appointment is completed, of its net price, or when somebody did not come, of
 *  the fee that is kept. Meetings bring none. */
export function appointmentCommission(
  { appointmentType, source, product }: CommissionFacts,
  net: number,
): { rateBp: number; amount: number } {
  const { rateBp } = effectiveCommission({
    productType: product?.productType ?? usualProduct(appointmentType),
    customBp: product ? product.customBp : appointmentType === 'general_meeting' ? 0 : undefined,
    multipliers: product?.multipliers,
    source,
  })
  return { rateBp, amount: commissionOf(net, rateBp) }
}

function usualProduct(appointmentType: string): string {
  const advice = ['consultation', 'quote_consultation'].includes(appointmentType)
  return advice ? 'consultation_solo' : 'business_service'
}
