import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { act } from '../../act.ts'
import { type ProductWriting, productRow, writeProduct } from '../../catalogue/write-product.ts'
import { product } from '../../collections/commerce/product.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { uriIn } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { alignStatus } from '../../stock/product-status.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

type Deps = Reading & ProductWriting

/** `commerce.putProduct`, `archiveProduct` and `deleteProduct`, for those who manage the products
 *  of a tenant. */
export function putProduct(mount: Mount, deps: Deps): void {
  const { nextTid } = deps

  procedure(mount, co.kendev.commerce.putProduct, async ({ input, viewer }) => {
    const { rkey = nextTid(), product: asked, swapRecord: swap } = input
    const { tenant, by } = await allowed(deps, input, {
      viewer: viewer.did,
      action: co.kendev.commerce.putProduct.$lxm,
    })
    const change = () => asked as Record<string, unknown>
    await writeProduct(deps, { tenant, rkey, change, swap, by })
    const row = (await alignStatus(deps, tenant, rkey))!
    return shown(deps, row, viewer.did)
  })

  procedure(mount, co.kendev.commerce.archiveProduct, async ({ input, viewer }) => {
    const { rkey } = input
    const { tenant, by } = await allowed(deps, input, {
      viewer: viewer.did,
      action: co.kendev.commerce.archiveProduct.$lxm,
    })
    const change = (before: Record<string, unknown> | undefined) => {
      if (!before) throw notFound(`product ${rkey}`)
      return { ...before, status: 'archived' }
    }
    const row = await writeProduct(deps, { tenant, rkey, change, by })
    return shown(deps, row, viewer.did)
  })

  deleteDraft(mount, deps)
}

function deleteDraft(mount: Mount, deps: Deps): void {
  procedure(mount, co.kendev.commerce.deleteProduct, async ({ input, viewer }) => {
    const { rkey } = input
    const { tenant, by } = await allowed(deps, input, {
      viewer: viewer.did,
      action: co.kendev.commerce.deleteProduct.$lxm,
    })
    const row = await productRow(deps.sql, tenant.did, rkey)
    if (!row) throw notFound(`product ${rkey}`)
    if (row['status'] !== 'draft')
      throw new InvalidRequestError('What was in the shop is archived.', 'InvalidTransition')
    const { did } = tenant
    const at = { did, collection: product.nsid, rkey, place: row.place }
    await act(deps, { at, record: undefined, swap: row.cid, by })
    return { uri: uriIn(row.place, row.uri) } as never
  })
}

/** The tenant, and in whose name its products are changed. */
async function allowed(
  { sql }: Deps,
  { tenant: did, reason }: { tenant: string; reason?: string },
  { viewer, action }: { viewer: string; action: string },
) {
  const wish = { tenant: did, did: viewer, permission: 'manage_products' } as const
  const { tenant, standing } = await requireTenantPermission(sql, wish)
  const why = reason === undefined ? {} : { reason }
  return { tenant, by: { actor: viewer, role: standing.role, action, ...why } }
}

async function shown(deps: Deps, row: Row, viewer: string) {
  return (await present(product, [row], { ...deps, viewer }))[0] as never
}
