import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import type { ProductWriting } from '../../catalogue/write-product.ts'
import type { Transact } from '../../business/transact.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, readReference } from '../../reference.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { alignStatus } from '../../stock/product-status.ts'
import { changeStock } from '../../stock/change-stock.ts'
import { backorderLimitOf, stockItemOf } from '../../stock/stock-item.ts'
import { stockLevels } from '../../stock/stock-levels.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

type Deps = Reading & ProductWriting & { readonly transact: Transact }

/** `commerce.adjustStock` and `listStockLevels`, for those who manage the products of a tenant. */
export function stock(mount: Mount, deps: Deps): void {
  const { sql, clock, transact } = deps
  const permission = 'manage_products'

  procedure(mount, co.kendev.commerce.adjustStock, async ({ input, viewer, idempotencyKey }) => {
    const { tenant, product, variant, delta, counted, reason = 'adjusted', note } = input
    const asks = { tenant, did: viewer.did, permission } as const
    const { standing, tenant: found } = await requireTenantPermission(sql, asks)
    if ((delta === undefined) === (counted === undefined))
      throw new InvalidRequestError('Say how many came or went, or how many were counted.')
    const { item, backorderLimit } = await itemOf(sql, { tenant, product, variant })
    const method = co.kendev.commerce.adjustStock.$lxm
    await transact(
      { tenant, once: { caller: viewer.did, method, key: idempotencyKey, input } },
      async (d) => {
        const before = await onHandOf(d.tx, tenant, item)
        const onHand = delta ?? counted! - before
        if (before + onHand < 0)
          throw new InvalidRequestError(`There are ${before}: no more than those can go.`)
        const change = { item, onHand, backorderLimit }
        const { writes, jobs } = await changeStock(d, [change], { reason, note })
        const by = { actor: viewer.did, role: standing.role, action: method }
        return { answer: item, writes, jobs, by }
      },
    )
    const { author, rkey } = readReference(product)!
    if (author === tenant) await alignStatus(deps, found, rkey)
    const asked = { tenant, item, now: clock.now(), limit: 1 }
    const [level] = await stockLevels(sql, asked)
    if (!level) throw notFound(`stock of ${item}`)
    return level as never
  })

  query(mount, co.kendev.commerce.listStockLevels, async ({ params, viewer }) => {
    const { tenant, limit, cursor, product } = params
    const asks = { tenant, did: required(viewer).did, permission, reads: true } as const
    await requireTenantPermission(sql, asks)
    const [, after] = startOf(cursor)
    const about = product === undefined ? {} : { product: knownUri(product) }
    const asked = { tenant, now: clock.now(), after, limit: limit + 1, ...about }
    const found = await stockLevels(sql, asked)
    // They are in order of their names, so a page begins after a name alone.
    const named = found.map((level) => ({ level, id: level.item, createdAt: new Date(0) }))
    const { page, next } = pageOf(named, limit)
    return { items: page.map(({ level }) => level), ...next } as never
  })
}

/** Throws `NotFound` for what is no product of the tenant or of a space of it, and `NotTracked`. */
async function itemOf(
  sql: Sql,
  asked: { tenant: string; product: string; variant?: string | undefined },
): Promise<{ item: string; backorderLimit: number }> {
  const { tenant, product, variant } = asked
  const { rows } = await sql.query<{ uri: string; content: co.kendev.commerce.product.Main }>(
    `select uri, content from appview.product where uri = $2 and (did = $1 or did in (
      select did from node."pendingSpace" where records->'space'->>'tenant' = $1))`,
    [tenant, knownUri(product)],
  )
  const found = rows[0]
  const { variants = [] } = found?.content ?? {}
  const isThere = variant === undefined ? variants.length === 0 : variants.some(isVariant(variant))
  if (!found || !isThere)
    throw notFound(variant === undefined && found ? `product without a variant` : `such product`)
  const item = stockItemOf(tenant, { ...found.content, uri: found.uri }, variant)
  if (item !== undefined) return { item, backorderLimit: backorderLimitOf(found.content) }
  throw new InvalidRequestError('The product does not track quantity.', 'NotTracked')
}

function isVariant(variant: string) {
  return ({ id }: { id: string }) => id === variant
}

async function onHandOf(tx: Sql, tenant: string, item: string): Promise<number> {
  const { rows } = await tx.query<{ onHand: number }>(
    'select "onHand" from repo.stock where tenant = $1 and item = $2',
    [tenant, item],
  )
  return rows[0]?.onHand ?? 0
}
