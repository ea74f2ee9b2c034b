import type { Mount } from '../serve.ts'
import { mountBooking } from './booking/mount-booking.ts'
import { catalogue } from './commerce/catalogue.ts'
import { orders } from './commerce/orders.ts'

type Deps = Parameters<typeof catalogue>[1] &
  Parameters<typeof mountBooking>[1] &
  Parameters<typeof orders>[1]

/** Mounts what a business sells and books. */
export function business(mount: Mount, deps: Deps): void {
  catalogue(mount, deps)
  mountBooking(mount, deps)
  orders(mount, deps)
}
