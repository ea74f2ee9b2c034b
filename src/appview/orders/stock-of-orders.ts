import type { Deciding } from '../business/transact.ts'
import { order } from '../collections/commerce/order.ts'
import { stockOf } from '../commerce/stock.ts'
import { restoreStock } from '../stock/restore-stock.ts'
import type { StockLine } from '../stock/stock-guard.ts'
import { readOrder } from './order-records.ts'

/** Makes the guard of a tenant's stock anew from its movements and its orders, in its turn. */
export async function restoreStockOfOrders(d: Deciding): Promise<void> {
  const { rows } = await d.tx.query<{ place: string; rkey: string }>(
    'select space as place, rkey from repo.record where did = $1 and collection = $2',
    [d.tenant, order.nsid],
  )
  const reserved: StockLine[] = []
  const allocated: StockLine[] = []
  for (const { place, rkey } of rows) {
    const { file } = await readOrder(d, { tenant: d.tenant, place, rkey })
    for (const [item, has] of stockOf(file)) {
      reserved.push({ item, quantity: has.reserved })
      allocated.push({ item, quantity: has.allocated })
    }
  }
  await restoreStock(d, { reserved, allocated })
}
