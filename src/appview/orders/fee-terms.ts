import type { Deciding } from '../business/transact.ts'
import { negotiatedFee, volumeFee } from '../money/platform-fee.ts'
import { netBetween } from '../revenue/net-between.ts'
import { STANDARD_BP } from '../revenue/decide-fee.ts'
import type { Sql } from '../sql.ts'
import type { Store } from './find-goods.ts'

/** What the platform has of an order where only that is shared: a part of every whole of the net,
 *  and which agreement says so. */
export type FeeTerms = { readonly part: number; readonly whole: number; readonly rule: string }

const WHOLE_BP = 10_000

/** The fee of an order of so much net, as agreed now; undefined where revenue is shared as a whole
 *  (`domain.md` N-02, N-04). Of a volume agreement it follows from what the month has come to. */
export async function feeTermsOf(
  { tx, tenant, now }: Pick<Deciding, 'tx' | 'tenant' | 'now'>,
  { settings, sharing }: Store,
  { net, currency }: { readonly net: number; readonly currency: string },
): Promise<FeeTerms | undefined> {
  if (settings.splitBase !== 'platform_fee') return undefined
  const rule = sharing?.agreementType ?? 'standard'
  if (rule === 'volume' && net > 0) {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()))
    const before = Math.max(0, await netBetween(tx, { tenant, currency, since: month, until: now }))
    return { part: volumeFee(before + net) - volumeFee(before), whole: net, rule }
  }
  const decided = await feeInForce(tx, tenant, now)
  const agreed =
    rule === 'negotiated' ? negotiatedFee(sharing?.defaultRateBp ?? 0).feeBp : undefined
  return { part: decided ?? agreed ?? STANDARD_BP, whole: WHOLE_BP, rule }
}

/** The last fee that was decided and holds by now, in basis points. */
export async function feeInForce(sql: Sql, tenant: string, now: Date): Promise<number | undefined> {
  const { rows } = await sql.query<{ feeBp: number }>(
    `select "feeBp" from appview."feeDecision" where did = $1 and "effectiveAt" <= $2
     order by "effectiveAt" desc, "decidedAt" desc limit 1`,
    [tenant, now],
  )
  return rows[0]?.feeBp
}
