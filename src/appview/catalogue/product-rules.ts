import { InvalidRequestError } from '@atproto/xrpc-server'
import { readReference } from '../reference.ts'
import { slugFrom } from '../slug.ts'
import type { Sql } from '../sql.ts'

type Product = Readonly<Record<string, unknown>>

/** Throws `OtherTenant` when a product names a business, a category or another product that is not
 *  its tenant's own, or of a space of the tenant (`domain.md` §11.7). */
export async function refuseForeign(sql: Sql, did: string, record: Product): Promise<void> {
  const said = record['tenant']
  if (said !== undefined && said !== did)
    throw new InvalidRequestError('The product would be of another business.', 'OtherTenant')
  const named = ['categories', 'relatedProducts'].flatMap((field) => {
    const uris = record[field]
    return Array.isArray(uris) ? (uris as string[]) : []
  })
  const authorities = new Set(named.map((uri) => readReference(uri)?.author ?? uri))
  authorities.delete(did)
  if (authorities.size === 0) return
  const { rows } = await sql.query<{ did: string }>(
    `select did from node."pendingSpace" where records->'space'->>'tenant' = $1`,
    [did],
  )
  const own = new Set(rows.map((row) => row.did))
  const foreign = named.find(
    (uri) => !own.has(readReference(uri)?.author ?? uri) && readReference(uri)?.author !== did,
  )
  if (foreign === undefined) return
  throw new InvalidRequestError(`${foreign} is of another business.`, 'OtherTenant')
}

/** The names in links of other products of the tenant that begin as this one may be called. Throws
 *  `SkuTaken` when one of them has a number of this one. */
export async function refuseTaken(
  sql: Sql,
  { did, rkey, record, before }: { did: string; rkey: string; record: Product; before?: Product },
): Promise<ReadonlySet<string>> {
  const variants = (record['variants'] ?? []) as readonly { sku?: string }[]
  const skus = [record['sku'] as string | undefined, ...variants.map(({ sku }) => sku)].filter(
    (sku) => sku !== undefined,
  )
  const titles = [record, before ?? record].map(({ title }) => slugFrom(String(title), rkey))
  const names = [record['slug'], before?.['slug'], ...titles]
    .filter((name) => typeof name === 'string')
    .map((name) => name.slice(0, PREFIX))
  const { rows } = await sql.query<{ slug: string; skus: string[] }>(OTHERS, [
    did,
    rkey,
    [...new Set(names)].map((name) => `${name}%`),
    skus,
  ])
  const taken = new Set(rows.flatMap((row) => row.skus))
  const twice = skus.find((sku, n) => taken.has(sku) || skus.indexOf(sku) !== n)
  if (twice !== undefined)
    throw new InvalidRequestError(`Something else of yours has the number ${twice}.`, 'SkuTaken')
  return new Set(rows.map(({ slug }) => slug))
}

/** Names that step aside for others share their beginning. */
const PREFIX = 100

const OTHERS = `select slug, skus from appview.product
  where did = $1 and rkey <> $2 and (slug like any($3) or skus && $4::text[])`
