import type { Mount } from '../../serve.ts'
import { checkout } from './checkout.ts'
import { orderFulfilment } from './order-fulfilment.ts'
import { orderLife } from './order-life.ts'
import { orderPayments } from './order-payments.ts'
import type { OrderDeps } from './order-views.ts'
import { payouts } from './payouts.ts'
import { revenue } from './revenue.ts'

/** Everything about orders that is neither a get nor a list. */
export function orders(mount: Mount, deps: OrderDeps & Parameters<typeof payouts>[1]): void {
  checkout(mount, deps)
  orderFulfilment(mount, deps)
  orderLife(mount, deps)
  orderPayments(mount, deps)
  payouts(mount, deps)
  revenue(mount, deps)
}
