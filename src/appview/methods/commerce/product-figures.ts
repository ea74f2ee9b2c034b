import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { productFigures } from '../../catalogue/product-figures.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

/** `commerce.getProductFigures`, for those who see the figures of a tenant. */
export function getProductFigures(mount: Mount, { sql }: Reading): void {
  query(mount, co.kendev.commerce.getProductFigures, async ({ params, viewer }) => {
    const { tenant, from, until } = params
    const permission = 'view_analytics'
    const asks = { tenant, did: required(viewer).did, permission, reads: true } as const
    await requireTenantPermission(sql, asks)
    const product = knownUri(params.uri)
    const { rows } = await sql.query(
      `select 1 from appview.product where uri = $2 and (did = $1 or did in (
        select did from node."pendingSpace" where records->'space'->>'tenant' = $1))`,
      [tenant, product],
    )
    if (rows.length === 0) throw notFound(`product ${product}`)
    const time = (text: string | undefined) => (text === undefined ? undefined : new Date(text))
    const asked = { tenant, product, from: time(from), until: time(until) }
    return { product, ...(await productFigures(sql, asked)) } as never
  })
}
