import type { Deciding } from '../business/transact.ts'
import { stockOf } from '../commerce/stock.ts'
import type { Promised } from '../stock/restore-stock.ts'
import { type OrderAt, readOrder } from './order-records.ts'

/** What the orders of a tenant have of its stock now, read from their records: for making the guard
 *  of the stock anew, in the tenant's turn. Orders that are shipped or have ended have nothing. */
export async function promisedStock(d: Deciding): Promise<Promised> {
  const { rows } = await d.tx.query<OrderAt>(OPEN, [d.tenant])
  const promised = { reserved: [], allocated: [] } as Record<
    keyof Promised,
    { item: string; quantity: number }[]
  >
  for (const at of rows) {
    const { file } = await readOrder(d, at)
    for (const [item, { reserved, allocated }] of stockOf(file)) {
      if (reserved > 0) promised.reserved.push({ item, quantity: reserved })
      if (allocated > 0) promised.allocated.push({ item, quantity: allocated })
    }
  }
  return promised
}

const OPEN = `select did as tenant, place, rkey from appview."order"
  where did = $1 and status in ('pending', 'processing')`
