import type { Mount } from '../../serve.ts'
import { catalogue } from './catalogue.ts'
import { orders } from './orders.ts'

type CommerceDeps = Parameters<typeof catalogue>[1] & Parameters<typeof orders>[1]

/** Everything about selling that is neither a get nor a list. */
export function mountCommerce(mount: Mount, deps: CommerceDeps): void {
  catalogue(mount, deps)
  orders(mount, deps)
}
