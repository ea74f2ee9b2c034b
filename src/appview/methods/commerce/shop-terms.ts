import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, act } from '../../act.ts'
import { discountCode } from '../../catalogue/discount.ts'
import { productRow } from '../../catalogue/write-product.ts'
import { discount } from '../../collections/commerce/discount.ts'
import { productSupply } from '../../collections/commerce/product-supply.ts'
import { productTerms } from '../../collections/commerce/product-terms.ts'
import { storeSettings } from '../../collections/commerce/store-settings.ts'
import type { Collection, Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { type TenantPermission, requireTenantPermission } from '../../tenant-access.ts'

type Deps = Reading & Acting

/** What the staff of a tenant sets beside its products: `commerce.putProductSupply`,
 *  `putProductTerms`, `putStoreSettings` and `putDiscount`. */
export function shopTerms(mount: Mount, deps: Deps): void {
  procedure(mount, co.kendev.commerce.putProductSupply, async ({ input, viewer }) => {
    const { supply, ...rest } = input
    const by = { viewer: viewer.did, action: co.kendev.commerce.putProductSupply.$lxm }
    return putFor(deps, { ...rest, ...by, c: productSupply, record: supply as Content })
  })
  procedure(mount, co.kendev.commerce.putProductTerms, async ({ input, viewer }) => {
    const { terms, ...rest } = input
    const by = { viewer: viewer.did, action: co.kendev.commerce.putProductTerms.$lxm }
    return putFor(deps, { ...rest, ...by, c: productTerms, record: terms as Content })
  })
  procedure(mount, co.kendev.commerce.putStoreSettings, async ({ input, viewer }) => {
    const { settings, ...rest } = input
    const by = { viewer: viewer.did, action: co.kendev.commerce.putStoreSettings.$lxm }
    const wish = { ...rest, ...by, c: storeSettings, record: settings as Content }
    return putFor(deps, { ...wish, rkey: 'self', permission: 'manage_settings' })
  })
  procedure(mount, co.kendev.commerce.putDiscount, async ({ input, viewer }) => {
    const { discount: asked, code, ...rest } = input
    const by = { viewer: viewer.did, action: co.kendev.commerce.putDiscount.$lxm }
    const rkey = discountCode(code)
    if (!/^[a-z0-9][a-z0-9_-]*$/.test(rkey))
      throw new InvalidRequestError('A code has letters, digits, - and _ only.', 'InvalidRecord')
    return putFor(deps, { ...rest, ...by, c: discount, rkey, record: asked as Content })
  })
}

type Content = Record<string, unknown>

type Put = {
  readonly tenant: string
  readonly rkey: string
  readonly c: Collection
  readonly record: Content
  readonly viewer: string
  readonly action: string
  readonly reason?: string
  readonly permission?: TenantPermission
}

/** What stands under the key of a product needs that product. */
const BESIDE_PRODUCT: readonly Collection[] = [productSupply, productTerms]

async function putFor(deps: Deps, put: Put): Promise<never> {
  const { tenant, rkey, c, viewer, action, reason } = put
  const { audience = 'staff' } = c.access
  // What is for those who manage only is not written by others either.
  const usual = audience === 'managers' ? 'manage_billing' : 'manage_products'
  const permission = put.permission ?? usual
  const asks = { tenant, did: viewer, permission }
  const { standing } = await requireTenantPermission(deps.sql, asks)
  if (BESIDE_PRODUCT.includes(c) && !(await productRow(deps.sql, tenant, rkey)))
    throw notFound(`product ${rkey}`)
  const row = await rowOf(deps, c, { tenant, rkey })
  const now = deps.clock.now().toISOString()
  const createdAt = (row?.['content'] as Content | undefined)?.['createdAt'] ?? now
  const isMade = c === storeSettings || row !== undefined
  await act(deps, {
    at: {
      did: tenant,
      collection: c.nsid,
      rkey,
      place: audienceUri(tenant, audience as 'staff', TENANT_SPACE),
    },
    record: {
      ...put.record,
      $type: c.nsid,
      ...(c !== storeSettings && { createdAt }),
      ...(isMade && { updatedAt: now }),
    },
    by: { actor: viewer, role: standing.role, action, ...(reason !== undefined && { reason }) },
  })
  const shown = (await rowOf(deps, c, { tenant, rkey }))!
  return (await present(c, [shown], { ...deps, viewer }))[0] as never
}

async function rowOf(
  { sql }: Deps,
  c: Collection,
  { tenant, rkey }: { tenant: string; rkey: string },
): Promise<Row | undefined> {
  const { rows } = await sql.query<Row>(`select * from appview."${c.table}" where uri = $1`, [
    recordUri(tenant, c.nsid, rkey),
  ])
  return rows[0]
}
