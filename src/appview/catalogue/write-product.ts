import { InvalidRequestError } from '@atproto/xrpc-server'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import type { Act, Acting } from '../act.ts'
import { auditedWriter } from '../audited-writer.ts'
import { checkRecord } from '../check-record.ts'
import { product } from '../collections/commerce/product.ts'
import type { Row } from '../define.ts'
import { moveOf } from '../machine.ts'
import { putRecord } from '../put-record.ts'
import { recordUri } from '../reference.ts'
import type { Sql } from '../sql.ts'
import { requireShop, withinProducts } from '../tenant-spaces.ts'
import type { Tenant } from '../tenants.ts'
import type { Turns } from '../turns.ts'
import { namesOf } from './product-names.ts'
import { refuseForeign, refuseTaken } from './product-rules.ts'

/** What writing products of tenants needs. */
export type ProductWriting = Acting & { readonly inTurn: Turns }

type Product = Record<string, unknown>

/** A product of a tenant as it is to be. */
export type ProductWish = {
  readonly tenant: Tenant & { readonly did: string }
  readonly rkey: string
  /** Makes the record of the one that there is. */
  readonly change: (before: Product | undefined) => Product
  /** The version it must still have. */
  readonly swap?: string | undefined
  readonly by: Act['by']
}

/**
 * Writes a product into the repo of its tenant: a draft for the staff, everything else for
 * everybody. Names in links, the time it was published and the moves of its state are kept here.
 * Throws `InvalidTransition`, `SlugTaken`, `SkuTaken`, `OtherTenant`, `FeatureNotInPlan`,
 * `LimitExceeded`, `InvalidSwap`, and what `checkRecord` throws. Answers its row in the views.
 */
export function writeProduct(d: ProductWriting, wish: ProductWish): Promise<Row> {
  const { tenant, rkey, by } = wish
  const { did } = tenant
  // Names are compared with those of all others, so one product is written after the other.
  return d.inTurn(`catalogue ${did}`, async () => {
    const row = await productRow(d.sql, did, rkey)
    requireVersion(row, wish.swap)
    const before = row && (row['content'] as Product)
    const asked = { ...wish.change(before), $type: product.nsid }
    const record = await settled(d, { asked, before, row, wish })
    const place = record['status'] === 'draft' ? audienceUri(did, 'staff', TENANT_SPACE) : ''
    const at = { did, collection: product.nsid, rkey, place }
    const swapRecord = row?.place === place ? row.cid : null
    const deps = { ...d, writer: auditedWriter(d, by) }
    const write = () => putRecord(deps, { ...at, record, swapRecord })
    await withinProducts(d, at, write, tenant)
    return (await productRow(d.sql, did, rkey))!
  })
}

/** The row of a product, wherever it stands. */
export async function productRow(sql: Sql, did: string, rkey: string): Promise<Row | undefined> {
  const uri = recordUri(did, product.nsid, rkey)
  return (await sql.query<Row>('select * from appview.product where uri = $1', [uri])).rows[0]
}

/** The record with what the node sets of it, once nothing speaks against it. */
async function settled(
  { sql, clock }: ProductWriting,
  {
    asked,
    before,
    row,
    wish,
  }: {
    asked: Product
    before: Product | undefined
    row: Row | undefined
    wish: ProductWish
  },
): Promise<Product> {
  const { tenant, rkey } = wish
  const now = clock.now().toISOString()
  const status = statusOf(asked)
  const publishedAt = before?.['publishedAt'] ?? (status === 'draft' ? undefined : now)
  const draft: Product = {
    ...asked,
    createdAt: before?.['createdAt'] ?? asked['createdAt'] ?? now,
    ...(before && { updatedAt: now }),
  }
  for (const name of ['publishedAt', 'formerSlugs']) delete draft[name]
  checkRecord(
    { did: tenant.did, collection: product.nsid, rkey, place: placeToCheck(tenant) },
    draft,
  )
  if (row) moveOf(product.machine!, row, { to: status })
  requireShop(tenant, asked['productType'])
  await refuseForeign(sql, tenant.did, draft)
  const others = await refuseTaken(sql, {
    did: tenant.did,
    rkey,
    record: draft,
    ...(before && { before }),
  })
  const names = namesOf(draft as { title: string; slug?: string }, {
    rkey,
    ...(before && { before: before as { title: string } }),
    taken: (slug) => others.has(slug),
  })
  if ('taken' in names)
    throw new InvalidRequestError(
      `Another product is called ${names.taken} in links. Take ${names.free}.`,
      'SlugTaken',
    )
  const { slug, formerSlugs } = names
  return {
    ...draft,
    slug,
    ...(formerSlugs.length > 0 && { formerSlugs }),
    ...(publishedAt !== undefined && { publishedAt }),
  }
}

/** What is no state at all is found when the record is checked. */
function statusOf({ status = 'active' }: Product): string {
  return typeof status === 'string' ? status : 'active'
}

/** Where drafts and everything else may stand, so that only the record itself is judged. */
function placeToCheck({ did }: { did: string }): string {
  return audienceUri(did, 'staff', TENANT_SPACE)
}

function requireVersion(row: Row | undefined, swap: string | undefined): void {
  if (swap === undefined || swap === row?.cid) return
  throw new InvalidRequestError('It has changed meanwhile. Read it again.', 'InvalidSwap')
}
