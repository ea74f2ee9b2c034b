import type { Mount } from '../../serve.ts'
import { downloads } from './downloads.ts'
import { getCommission } from './get-commission.ts'
import { invoicing } from './invoices.ts'
import { getProductBySlug } from './product-by-slug.ts'
import { getProductFigures } from './product-figures.ts'
import { putProduct } from './put-product.ts'
import { shopTerms } from './shop-terms.ts'
import { stock } from './stock.ts'

type Deps = Parameters<typeof putProduct>[1] &
  Parameters<typeof shopTerms>[1] &
  Parameters<typeof stock>[1] &
  Parameters<typeof invoicing>[1] &
  Parameters<typeof downloads>[1]

/** Mounts what a shop offers, on what terms, what it has of it, its invoices and its
 *  files. */
export function catalogue(mount: Mount, deps: Deps): void {
  downloads(mount, deps)
  getCommission(mount, deps)
  getProductBySlug(mount, deps)
  getProductFigures(mount, deps)
  invoicing(mount, deps)
  putProduct(mount, deps)
  shopTerms(mount, deps)
  stock(mount, deps)
}
