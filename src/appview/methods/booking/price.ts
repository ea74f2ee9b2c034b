import type { co } from '../../../lexicons/index.ts'
import { product as products } from '../../collections/commerce/product.ts'
import { knownUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import type { ServiceRecord, Venue } from './venue-plan.ts'

type Pricing = co.kendev.commerce.product.Pricing

/** What a service costs now: what the linked product of the same tenant does, else what the venue
 *  says (`domain.md` R-33). */
export async function priceOf(
  sql: Sql,
  venue: Venue,
  service: ServiceRecord,
): Promise<co.kendev.defs.Money | undefined> {
  if (service.product === undefined) return service.price
  const { rows } = await sql.query<{ pricing: Pricing | null }>(
    `select content->'pricing' as pricing from appview."${products.table}"
     where uri = $1 and did = $2 and place = '' and status = 'active'`,
    [knownUri(service.product), venue.tenant],
  )
  const pricing = rows[0]?.pricing
  if (!pricing) return service.price
  return { amount: pricing.salePrice ?? pricing.basePrice, currency: pricing.currency }
}
