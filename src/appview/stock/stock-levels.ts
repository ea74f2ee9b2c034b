import type { Sql } from '../sql.ts'
import { DEMAND_DAYS, reorderPoint } from './reorder.ts'
import type { StockState } from './stock-guard.ts'

/** How a stock item stands, with what follows from that. */
export type StockLevel = StockState & {
  readonly product: string
  readonly variant?: string
  readonly title?: string
  readonly available: number
  readonly lowStockThreshold?: number
  readonly isLow: boolean
  readonly reorderPoint?: number
  readonly dailyDemand?: number
}

/** Days from order to delivery where neither the product nor the store says. */
const LEAD_DAYS = 7

/** The stock items of a tenant in order of their names, those after `after`. What is on hand is the
 *  sum of the movements; what is promised is what the guard holds. */
export async function stockLevels(
  sql: Sql,
  asked: {
    readonly tenant: string
    readonly now: Date
    readonly product?: string | undefined
    readonly item?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<StockLevel[]> {
  const { tenant, now, product = null, item = null, after = '', limit } = asked
  const values = [tenant, product, item, after, limit, now, DEMAND_DAYS, LEAD_DAYS]
  const { rows } = await sql.query<Found>({ name: 'stock-levels', text: LEVELS }, values)
  return rows.map(levelOf)
}

type Found = StockState & {
  readonly product: string
  readonly variant: string | null
  readonly title: string | null
  readonly threshold: number | null
  readonly leadDays: number
  /** Units that went on each day on which any did. */
  readonly daily: readonly number[]
  /** For how many days the item has been there, at most those that are looked at. */
  readonly days: number
}

function levelOf({
  variant,
  title,
  threshold,
  leadDays,
  daily,
  days,
  ...state
}: Found): StockLevel {
  const { onHand, reserved, allocated } = state
  const available = onHand - reserved - allocated
  const quiet = Math.max(0, days - daily.length)
  const reorder = reorderPoint([...daily, ...Array.from({ length: quiet }, () => 0)], leadDays)
  return {
    ...state,
    ...(variant !== null && { variant }),
    ...(title !== null && { title }),
    available,
    ...(threshold !== null && { lowStockThreshold: threshold }),
    isLow: threshold !== null && available <= threshold,
    ...(reorder && { reorderPoint: reorder.point, dailyDemand: reorder.dailyDemand }),
  }
}

const LEVELS = `
  with m as (
    select item, max(product) as product, max(variant) as variant, sum(delta)::int as "onHand",
      least($7, 1 + extract(day from $6 - min("createdAt"))::int) as days
    from appview."stockMovement"
    where did = $1 and ($2::text is null or product = $2) and ($3::text is null or item = $3)
      and item > $4
    group by item order by item collate "C" limit $5)
  select m.*, coalesce(g.reserved, 0) as reserved, coalesce(g.allocated, 0) as allocated,
    coalesce(g."backorderLimit", 0) as "backorderLimit", p.title,
    (s.content->>'lowStockThreshold')::int as threshold,
    coalesce((s.content->>'leadTimeDays')::int, (o.content->>'leadTimeDays')::int, $8)
      as "leadDays",
    array(select (-sum(d.delta))::int from appview."stockMovement" d
      where d.did = $1 and d.item = m.item and d.reason = 'sold'
        and d."createdAt" > $6 - make_interval(days => $7)
      group by date_trunc('day', d."createdAt")) as daily
  from m
  left join repo.stock g on g.tenant = $1 and g.item = m.item
  left join appview.product p on p.uri = m.product
  left join appview."productSupply" s on s.did = $1 and s.rkey = p.rkey and p.did = $1
  left join appview."storeSettings" o on o.did = $1 and o.rkey = 'self'
  order by m.item collate "C"`
