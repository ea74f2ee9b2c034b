import { readReference, recordUri } from '../reference.ts'
import { product } from '../collections/commerce/product.ts'

/** What a product says about being counted. */
export type Counted = {
  readonly uri: string
  readonly productType: string
  readonly inventory?:
    | {
        readonly trackQuantity?: boolean | undefined
        readonly allowBackorder?: boolean | undefined
        readonly backorderLimit?: number | undefined
      }
    | undefined
}

/** As many as an integer column of Postgres holds: no limit. */
const UNLIMITED = 2_000_000_000
/** What is sold as often as one likes. */
const UNCOUNTED = ['digital_download', 'course_training', 'livekit_stream', 'subscription']

/** The stock item that units of a product, or of a variant of it, are of, in the stock of a tenant;
 *  undefined where nothing is counted (`domain.md` §11.4). */
export function stockItemOf(
  tenant: string,
  { uri, productType, inventory }: Counted,
  variant?: string,
): string | undefined {
  if (!inventory?.trackQuantity || UNCOUNTED.includes(productType)) return undefined
  const { author = '', rkey = '' } = readReference(uri) ?? {}
  const own = author === tenant ? rkey : `${author}/${rkey}`
  return variant === undefined ? own : `${own}#${variant}`
}

/** The product, and the variant, that a stock item is of. */
export function readStockItem(
  tenant: string,
  item: string,
): { product: string; variant: string | undefined } {
  const hash = item.indexOf('#')
  const own = hash === -1 ? item : item.slice(0, hash)
  const [author, rkey] = own.includes('/') ? own.split('/') : [tenant, own]
  const variant = hash === -1 ? undefined : item.slice(hash + 1)
  return { product: recordUri(author!, product.nsid, rkey!), variant }
}

/** How many may be sold beyond what is there. */
export function backorderLimitOf({ inventory }: Pick<Counted, 'inventory'>): number {
  if (!inventory?.allowBackorder) return 0
  return Math.min(inventory.backorderLimit ?? UNLIMITED, UNLIMITED)
}
