import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { orderNotes } from '../../collections/commerce/order-notes.ts'
import type { At } from '../../commerce/advance.ts'
import { cancelOrder, extendReservation } from '../../commerce/cancel-order.ts'
import type { Change } from '../../commerce/change.ts'
import { setOrderStatus } from '../../commerce/fulfil-order.ts'
import type { OrderFile } from '../../commerce/order-file.ts'
import { changeOrder } from '../../orders/change-order.ts'
import {
  type Asker,
  byOf,
  orderOfLink,
  requireAsker,
  requireOrderStaff,
} from '../../orders/order-access.ts'
import { orderUri } from '../../orders/order-records.ts'
import { recordUri, uriIn } from '../../reference.ts'
import { type Mount, guestProcedure, procedure, query } from '../../serve.ts'
import { runTasks } from './order-payments.ts'
import { type OrderDeps, notesView, orderView } from './order-views.ts'

/** What becomes of an order beside its payments: `commerce.extendReservation`, `cancelOrder`,
 *  `setOrderStatus`, `putOrderNotes` and `getOrderByLink`. */
export function orderLife(mount: Mount, deps: OrderDeps): void {
  guestProcedure(mount, co.kendev.commerce.extendReservation, async ({ input, viewer }) => {
    const { order: uri, link } = input
    const asker = await requireAsker(deps, { uri, viewer: viewer?.did, link })
    const action = co.kendev.commerce.extendReservation.$lxm
    return (await change(deps, asker, { action }, extendReservation)) as never
  })

  guestProcedure(mount, co.kendev.commerce.cancelOrder, async ({ input, viewer }) => {
    const { order: uri, link, reason } = input
    const asker = await requireAsker(deps, { uri, viewer: viewer?.did, link })
    const action = co.kendev.commerce.cancelOrder.$lxm
    return (await change(deps, asker, { action, reason }, (file, at) => {
      if (!asker.isStaff && !['pending', 'cancelled'].includes(file.order.status))
        throw new ForbiddenError(
          'The shop is working on it already: ask the shop to cancel it.',
          'Forbidden',
        )
      return cancelOrder(file, { reason: reason ?? `by the ${asker.role}` }, at)
    })) as never
  })

  procedure(mount, co.kendev.commerce.setOrderStatus, async ({ input, viewer }) => {
    const { order: uri, to, from, override, reason } = input
    const asker = await requireOrderStaff(deps, { uri, viewer: viewer.did })
    const action = co.kendev.commerce.setOrderStatus.$lxm
    const asked = {
      to,
      ...(from !== undefined && { from }),
      ...(override !== undefined && { override }),
      ...(reason !== undefined && { reason }),
    }
    return (await change(deps, asker, { action, reason }, (file, at) =>
      setOrderStatus(file, asked, at),
    )) as never
  })

  procedure(mount, co.kendev.commerce.putOrderNotes, async ({ input, viewer }) => {
    const { order: uri, internalNotes, metadata } = input
    const asker = await requireOrderStaff(deps, { uri, viewer: viewer.did })
    const { tenant, rkey } = asker.at
    const place = audienceUri(tenant, 'staff', TENANT_SPACE)
    const by = byOf(asker, co.kendev.commerce.putOrderNotes.$lxm)
    await deps.transact({ tenant }, (d) => {
      const record = {
        ...(internalNotes !== undefined && { internalNotes }),
        ...(metadata && { metadata }),
        updatedAt: d.now.toISOString(),
      }
      const write = { place, collection: orderNotes.nsid, rkey, record }
      return Promise.resolve({ answer: null, writes: [write], by })
    })
    const notes = uriIn(place, recordUri(tenant, orderNotes.nsid, rkey))
    return (await notesView(deps, notes, viewer.did)) as never
  })

  query(mount, co.kendev.commerce.getOrderByLink, async ({ params, viewer }) => {
    return (await orderView(deps, orderOfLink(deps, params.link), viewer?.did)) as never
  })
}

/** Does something to an order, asks of providers what follows from it, and shows the order. */
async function change(
  deps: OrderDeps,
  asker: Asker,
  { action, reason }: { action: string; reason?: string | undefined },
  command: (file: OrderFile, at: At) => Change,
): Promise<object> {
  const { at } = asker
  const tasks = await deps.transact({ tenant: at.tenant }, async (d) => {
    const { writes, jobs, change: done } = await changeOrder(d, at, command)
    return { answer: done.tasks, writes, jobs, by: byOf(asker, action, reason) }
  })
  await runTasks(deps, at, tasks)
  return orderView(deps, orderUri(at), asker.actor)
}
