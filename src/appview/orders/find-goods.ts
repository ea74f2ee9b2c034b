import { InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../lexicons/index.ts'
import { discountCode } from '../catalogue/discount.ts'
import { type agreedOf } from '../catalogue/product-terms.ts'
import { notFound } from '../not-found.ts'
import { knownUri } from '../reference.ts'
import type { Sql } from '../sql.ts'
import { type Tenant, findTenant } from '../tenants.ts'

type Product = co.kendev.commerce.product.Main
type Terms = Parameters<typeof agreedOf>[0]

/** A line as a customer asks for it. */
export type AskedLine = {
  readonly product: string
  readonly variant?: string | undefined
  readonly quantity: number
}

/** A product that is for sale, and the form of it that is meant. */
export type Good = {
  readonly uri: string
  readonly product: Product
  readonly variant: NonNullable<Product['variants']>[number] | undefined
  readonly terms: Terms
  readonly quantity: number
}

/** What a store sells by. */
export type Store = {
  readonly tenant: Tenant & { readonly did: string }
  readonly settings: Partial<co.kendev.commerce.storeSettings.Main>
  readonly sharing: co.kendev.platform.tenantSettings.RevenueSharing | undefined
}

/** The store of a tenant. Throws `NotFound` where there is none. */
export async function storeOf(sql: Sql, did: string): Promise<Store> {
  const tenant = await findTenant(sql, did)
  if (tenant?.did !== did) throw notFound(`tenant ${did}`)
  const { rows } = await sql.query<{
    settings: Store['settings'] | null
    sharing: Store['sharing'] | null
  }>(STORE, [did])
  const { settings, sharing } = rows[0]!
  return { tenant: { ...tenant, did }, settings: settings ?? {}, sharing: sharing ?? undefined }
}

const STORE = `select
  (select content from appview."storeSettings" where did = $1 and rkey = 'self') as settings,
  (select content->'revenueSharing' from appview."tenantSettings"
    where did = $1 and rkey = 'self') as sharing`

/** The products of a cart as they are sold now: by the tenant, or by a space of it. Throws
 *  `NotFound`, `NotForSale` and `UnknownVariant`. */
export async function findGoods(
  sql: Sql,
  tenant: string,
  lines: readonly AskedLine[],
): Promise<Good[]> {
  const uris = lines.map(({ product }) => knownUri(product))
  const { rows } = await sql.query<{
    uri: string
    status: string
    product: Product
    terms: Terms | null
  }>(GOODS, [tenant, uris])
  const found = new Map(rows.map((row) => [row.uri, row]))
  return lines.map(({ quantity, variant: id }, n) => {
    const row = found.get(uris[n]!)
    if (!row) throw notFound(`product ${uris[n]}`)
    const { product, status } = row
    if (!['active', 'out_of_stock'].includes(status))
      throw notForSale(`${product.title} is ${status}: take it out of the cart.`)
    if (product.serviceDetails?.bookingRequired)
      throw notForSale(`${product.title} is booked for a time: book it instead.`)
    const variant = variantOf(product, id)
    return { uri: row.uri, product, variant, terms: row.terms ?? undefined, quantity }
  })
}

const GOODS = `select p.uri, p.status, p.content as product, t.content as terms
  from appview.product p
  left join appview."productTerms" t on t.did = $1 and t.rkey = p.rkey and p.did = $1
  where p.uri = any($2) and p.place = '' and (p.did = $1 or p.did in (
    select did from node."pendingSpace" where records->'space'->>'tenant' = $1))`

function variantOf(product: Product, id: string | undefined): Good['variant'] {
  const { title, variants = [] } = product
  const found = variants.find((variant) => variant.id === id)
  if (found) return found
  if (variants.length === 0 && id === undefined) return undefined
  const known = variants.map((variant) => variant.id).join(', ')
  throw new InvalidRequestError(
    variants.length === 0
      ? `${title} has one form: name no variant.`
      : `${title} comes as ${known}.`,
    'UnknownVariant',
  )
}

/** The discount with this code, and how often it was used. Throws `NoSuchDiscount`. */
export async function findDiscount(sql: Sql, tenant: string, entered: string) {
  const code = discountCode(entered)
  const { rows } = await sql.query<{ content: co.kendev.commerce.discount.Main }>(
    'select content from appview.discount where did = $1 and rkey = $2',
    [tenant, code],
  )
  if (rows[0]) return { code, discount: rows[0].content }
  throw new InvalidRequestError(`There is no discount ${code}.`, 'NoSuchDiscount')
}

/** How often a code was used, in all and by one customer. */
export async function usesOf(
  sql: Sql,
  { tenant, code, customer }: { tenant: string; code: string; customer?: string | undefined },
): Promise<{ used: number; usedByCustomer: number }> {
  const names = [seriesOf(code), seriesOf(code, customer ?? '')]
  const { rows } = await sql.query<{ series: string; last: string }>(
    'select series, last from repo.series where tenant = $1 and series = any($2)',
    [tenant, names],
  )
  const of = (name: string) => Number(rows.find(({ series }) => series === name)?.last ?? 0)
  return { used: of(names[0]!), usedByCustomer: customer === undefined ? 0 : of(names[1]!) }
}

/** The series that counts uses of a code. */
export function seriesOf(code: string, customer?: string): string {
  return customer === undefined ? `discount ${code}` : `discount ${code} ${customer}`
}

function notForSale(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'NotForSale')
}
