import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { commissionOfProduct } from '../../catalogue/product-terms.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

/** `commerce.getCommission`, for those who manage what a tenant is paid. */
export function getCommission(mount: Mount, { sql }: Reading): void {
  query(mount, co.kendev.commerce.getCommission, async ({ params, viewer }) => {
    const { tenant } = params
    const permission = 'manage_billing'
    const asks = { tenant, did: required(viewer).did, permission, reads: true } as const
    await requireTenantPermission(sql, asks)
    const uri = knownUri(params.uri)
    const agreed = await agreedAbout(sql, tenant, uri)
    if (!agreed) throw notFound(`product ${uri}`)
    return { product: uri, ...commissionOfProduct(agreed) } as never
  })
}

type Agreed = Parameters<typeof commissionOfProduct>[0]

/** What is agreed about a product of the tenant, or of a space of it. */
export async function agreedAbout(
  sql: Sql,
  tenant: string,
  product: string,
): Promise<Agreed | undefined> {
  const { rows } = await sql.query<{
    productType: string
    terms: Agreed['terms'] | null
    sharing: { enabled?: boolean; defaultRateBp?: number } | null
  }>(AGREED, [tenant, product])
  const found = rows[0]
  if (!found) return undefined
  const { productType, terms, sharing } = found
  return {
    productType,
    terms: terms ?? undefined,
    spaceBp: undefined,
    tenantBp: sharing?.enabled ? sharing.defaultRateBp : undefined,
  }
}

const AGREED = `select p."productType", t.content as terms,
    s.content->'revenueSharing' as sharing
  from appview.product p
  left join appview."productTerms" t on t.did = $1 and t.rkey = p.rkey and p.did = $1
  left join appview."tenantSettings" s on s.did = $1 and s.rkey = 'self'
  where p.uri = $2 and (p.did = $1 or p.did in (
    select did from node."pendingSpace" where records->'space'->>'tenant' = $1))`
