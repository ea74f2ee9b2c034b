import type { co } from '../../lexicons/index.ts'
import { type ProductWriting, productRow, writeProduct } from '../catalogue/write-product.ts'
import type { Row } from '../define.ts'
import type { Sql } from '../sql.ts'
import type { Tenant } from '../tenants.ts'
import type { StockState } from './stock-guard.ts'
import { backorderLimitOf, stockItemOf } from './stock-item.ts'

type Product = co.kendev.commerce.product.Main
type Levels = ReadonlyMap<string, StockState>

/** Stock may change while a product is written: then it is looked at once more, a few times. */
const LOOKS_MAX = 5

/** Has a product of a tenant that is counted out of stock when nothing of it can be sold, and for
 *  sale when something can (`domain.md` D-43). Answers its row; undefined when there is none. */
export async function alignStatus(
  d: ProductWriting,
  tenant: Tenant & { readonly did: string },
  rkey: string,
): Promise<Row | undefined> {
  let row = await productRow(d.sql, tenant.did, rkey)
  for (let look = 0; row && look < LOOKS_MAX; look++) {
    const to = await statusFor(d.sql, tenant.did, row)
    if (to === undefined || to === row['status']) return row
    const by = { actor: tenant.did, role: 'rule', action: 'stockChanged' }
    // It may have changed meanwhile: then whoever changed it has said how it stands.
    const change = (now: Record<string, unknown> = {}) =>
      moves(now['status']) ? { ...now, status: to } : now
    row = await writeProduct(d, { tenant, rkey, change, by })
  }
  return row
}

/** How a product that is counted stands by its stock; undefined for all others. */
async function statusFor(
  sql: Sql,
  tenant: string,
  { uri, content }: Row,
): Promise<'active' | 'out_of_stock' | undefined> {
  const product = content as Product
  const items = itemsOf(tenant, { ...product, uri })
  if (items.length === 0 || !moves(product.status)) return undefined
  const levels = await levelsOf(sql, tenant, items)
  const limit = backorderLimitOf(product)
  const sells = items.some((item) => availableOf(levels.get(item)) + limit > 0)
  return sells ? 'active' : 'out_of_stock'
}

/** Only what is in the shop goes out of stock and comes back. */
function moves(status: unknown): boolean {
  return status === undefined || status === 'active' || status === 'out_of_stock'
}

/** Every stock item of a product; none when it is not counted. */
function itemsOf(tenant: string, product: Product & { uri: string }): string[] {
  const { variants = [] } = product
  const forms = variants.length > 0 ? variants.map(({ id }) => id) : [undefined]
  return forms.flatMap((form) => stockItemOf(tenant, product, form) ?? [])
}

/** How many of an item can be sold; less than none for those owed. */
export function availableOf(state: StockState | undefined): number {
  return state ? state.onHand - state.reserved - state.allocated : 0
}

/** How these stock items of a tenant stand; those that nothing was ever there of are left out. */
export async function levelsOf(
  sql: Sql,
  tenant: string,
  items: readonly string[],
): Promise<Levels> {
  const { rows } = await sql.query<StockState>(
    `select item, "onHand", reserved, allocated, "backorderLimit" from repo.stock
     where tenant = $1 and item = any($2)`,
    [tenant, items],
  )
  return new Map(rows.map((row) => [row.item, row]))
}
