import type { Mount } from '../../serve.ts'
import { checkout } from './checkout.ts'
import { orderFulfilment } from './order-fulfilment.ts'
import { orderLife } from './order-life.ts'
import { orderPayments } from './order-payments.ts'
import type { OrderDeps } from './order-views.ts'

/** Everything about orders that is neither a get nor a list. */
export function orders(mount: Mount, deps: OrderDeps): void {
  checkout(mount, deps)
  orderFulfilment(mount, deps)
  orderLife(mount, deps)
  orderPayments(mount, deps)
}
