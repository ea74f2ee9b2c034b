import type { Job } from '../../jobs/jobs.ts'
import type { ProductWriting } from '../catalogue/write-product.ts'
import type { Row } from '../define.ts'
import { noticeJob } from '../notify.ts'
import { readReference } from '../reference.ts'
import type { Sql } from '../sql.ts'
import { findTenant } from '../tenants.ts'
import type { StockState } from './stock-guard.ts'
import { alignStatus, availableOf, levelsOf } from './product-status.ts'
import { readStockItem } from './stock-item.ts'

/** The queue that calls for stock items to be looked at, which `node.stockChange` names. */
export const STOCK_CHANGED = 'stock-changed'

/** Looks at every stock item that has changed; what changes meanwhile is looked at again. Throws
 *  for the first that cannot be looked at, when all others have been. */
export async function stockChanged(d: ProductWriting): Promise<void> {
  const failed: unknown[] = []
  const tried = new Set<string>()
  for (;;) {
    const { rows } = await d.sql.query<{ tenant: string; item: string; mark: string }>(
      `select tenant, item, mark from node."stockChange" where not mark = any($1)
       order by mark limit 100`,
      [[...tried]],
    )
    if (rows.length === 0) break
    for (const { tenant, item, mark } of rows)
      try {
        await lookAt(d, { tenant, item })
        await d.sql.query(LOOKED_AT, [tenant, item, mark])
      } catch (error) {
        tried.add(mark)
        failed.push(error)
      }
  }
  if (failed.length > 0) throw failed[0]
}

const LOOKED_AT = 'delete from node."stockChange" where tenant = $1 and item = $2 and mark = $3'

/** Looks at a stock item after a change: its product is out of stock when nothing of it can be
 *  sold, and for sale again when something can (`domain.md` D-43), and the staff is told once each
 *  time that as little is left as they have named (D-44). Done again, it changes nothing. */
async function lookAt(
  d: ProductWriting,
  { tenant: did, item }: { tenant: string; item: string },
): Promise<void> {
  const { product: uri, variant } = readStockItem(did, item)
  const { rows } = await d.sql.query<Row>('select * from appview.product where uri = $1', [uri])
  const tenant = await findTenant(d.sql, did)
  if (!rows[0] || tenant?.did == null) return
  const level = (await levelsOf(d.sql, did, [item])).get(item)
  await alert(d, { tenant: did, item, product: rows[0], variant, level })
  if (readReference(uri)?.author === did) await alignStatus(d, { ...tenant, did }, rows[0].rkey)
}

type Alerting = {
  tenant: string
  item: string
  product: Row
  variant: string | undefined
  level: StockState | undefined
}

async function alert({ sql, outbox }: ProductWriting, at: Alerting): Promise<void> {
  const { tenant, item, product, variant, level } = at
  const { rows } = await sql.query<{ threshold: number | null }>(THRESHOLD, [tenant, product.rkey])
  const threshold = rows[0]?.threshold
  const available = availableOf(level)
  const isLow = threshold != null && available <= threshold
  await outbox.transact(async (tx, queue) => {
    const { rows: crossed } = await tx.query<{ crossing: number }>(CROSS, [tenant, item, isLow])
    if (!crossed[0] || !isLow) return
    const title = String(product['title'])
    const data = {
      product: variant === undefined ? title : `${title} (${variant})`,
      available: String(available),
    }
    const key = `${tenant} ${item} ${crossed[0].crossing}`
    for (const recipient of await staffOf(tx, tenant))
      await queue(told({ recipient, key, subject: product.uri, data }))
  })
}

function told(notice: {
  recipient: string
  key: string
  subject: string
  data: Record<string, string>
}): Job {
  return noticeJob({ ...notice, kind: 'lowStock' })
}

async function staffOf(sql: Sql, tenant: string): Promise<string[]> {
  const { rows } = await sql.query<{ subject: string }>(
    `select subject from repo.admission where authority = $1 and status = 'active'
       and role in ('tenant_admin', 'tenant_manager') order by subject`,
    [tenant],
  )
  return rows.map(({ subject }) => subject)
}

const THRESHOLD = `select (content->>'lowStockThreshold')::int as threshold
  from appview."productSupply" where did = $1 and rkey = $2`

/** One row when the item has become low, or is so no longer. */
const CROSS = `insert into node."stockAlert" as a (tenant, item, "isLow", crossing)
  values ($1, $2, $3, 1) on conflict (tenant, item)
  do update set "isLow" = excluded."isLow", crossing = a.crossing + 1
  where a."isLow" <> excluded."isLow" returning crossing`
