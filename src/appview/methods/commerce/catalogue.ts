import type { Mount } from '../../serve.ts'
import { getCommission } from './get-commission.ts'
import { invoicing } from './invoices.ts'
import { getProductBySlug } from './product-by-slug.ts'
import { putProduct } from './put-product.ts'
import { shopTerms } from './shop-terms.ts'
import { stock } from './stock.ts'

type Deps = Parameters<typeof putProduct>[1] &
  Parameters<typeof shopTerms>[1] &
  Parameters<typeof stock>[1] &
  Parameters<typeof invoicing>[1]

/** Mounts what a shop offers, on what terms, what it has of it, and its invoices. */
export function catalogue(mount: Mount, deps: Deps): void {
  getCommission(mount, deps)
  getProductBySlug(mount, deps)
  invoicing(mount, deps)
  putProduct(mount, deps)
  shopTerms(mount, deps)
  stock(mount, deps)
}
