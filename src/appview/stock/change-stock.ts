import type { Job } from '../../jobs/jobs.ts'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import type { Deciding, TenantWrite } from '../business/transact.ts'
import { stockMovement } from '../collections/commerce/stock-movement.ts'
import { type StockChange, type StockState, applyStock } from './stock-guard.ts'
import { readStockItem } from './stock-item.ts'
import { STOCK_CHANGED } from './stock-changed.ts'

/** What a change of stock brings: the movements of what is there, and what looks after levels. Both
 *  belong into the decision that it is part of. */
export type StockChanged = {
  readonly writes: readonly TenantWrite[]
  readonly jobs: readonly Job[]
  readonly states: readonly StockState[]
}

/** Changes the stock of the tenant that is decided about: the guard in the transaction, and a
 *  movement for each change of what is there. Throws `InsufficientStock`. */
export async function changeStock(
  d: Pick<Deciding, 'tx' | 'tenant' | 'now' | 'nextTid'>,
  changes: readonly StockChange[],
  about: {
    /** Sold and returned, as units go or come, unless said. */
    readonly reason?: string | undefined
    readonly order?: string | undefined
    readonly note?: string | undefined
  } = {},
): Promise<StockChanged> {
  const states = await applyStock(d.tx, d.tenant, changes)
  const place = audienceUri(d.tenant, 'staff', TENANT_SPACE)
  const moved = changes.filter(({ onHand = 0 }) => onHand !== 0)
  const writes = moved.map(({ item, onHand = 0 }) => {
    const { product, variant } = readStockItem(d.tenant, item)
    const record = {
      item,
      product,
      ...(variant !== undefined && { variant }),
      delta: onHand,
      reason: about.reason ?? (onHand < 0 ? 'sold' : 'returned'),
      ...(about.order !== undefined && { order: about.order }),
      ...(about.note !== undefined && { note: about.note }),
      createdAt: d.now.toISOString(),
    }
    return { place, collection: stockMovement.nsid, rkey: d.nextTid(), record }
  })
  const items = states.map(({ item }) => item)
  const { rowCount } = await d.tx.query(MARK, [d.tenant, items, d.nextTid()])
  // Whoever comes to look at one item looks at all: one job is enough while it waits.
  const jobs = rowCount === 0 ? [] : [{ queue: STOCK_CHANGED, key: d.nextTid(), data: {} }]
  return { writes, jobs, states }
}

/** Only those that were not to be looked at yet come back. */
const MARK = `with marked as (
    insert into node."stockChange" as c (tenant, item, mark) select $1, item, $3
    from unnest($2::text[]) item
    on conflict (tenant, item) do update set mark = excluded.mark
    returning c.xmax = 0 as "isNew")
  select 1 from marked where "isNew"`
