import type { Deciding } from '../business/transact.ts'
import { negotiatedFee } from '../money/platform-fee.ts'
import type { Store } from './find-goods.ts'

/** What the platform has of an order where only that is shared: a part of every whole of the net,
 *  and which agreement says so. */
export type FeeTerms = { readonly part: number; readonly whole: number; readonly rule: string }

const WHOLE_BP = 10_000
const STANDARD_BP = 1_500

/** The fee of an order of so much net, as agreed now; undefined where revenue is shared as a whole
 *  (`domain.md` N-02, N-04). */
export function feeTermsOf(
  _d: Pick<Deciding, 'tx' | 'tenant' | 'now'>,
  { settings, sharing }: Store,
  _order: { readonly net: number; readonly currency: string },
): Promise<FeeTerms | undefined> {
  if (settings.splitBase !== 'platform_fee') return Promise.resolve(undefined)
  const type = sharing?.agreementType ?? 'standard'
  const bp = type === 'negotiated' ? negotiatedFee(sharing?.defaultRateBp ?? 0).feeBp : STANDARD_BP
  return Promise.resolve({ part: bp, whole: WHOLE_BP, rule: type })
}
