import { co } from '../../../lexicons/index.ts'
import { fulfilment } from '../../collections/commerce/fulfilment.ts'
import { type Parcel, fulfilOrder, setFulfilmentStatus } from '../../commerce/fulfil-order.ts'
import type { Method } from '../../commerce/order-file.ts'
import { changeOrder } from '../../orders/change-order.ts'
import { byOf, requireOrderStaff } from '../../orders/order-access.ts'
import { orderUri, partUri } from '../../orders/order-records.ts'
import { type Mount, procedure } from '../../serve.ts'
import { type OrderDeps, fulfilmentView, orderView } from './order-views.ts'

/** Handing orders over: `commerce.fulfilOrder` and `commerce.setFulfilmentStatus`. */
export function orderFulfilment(mount: Mount, deps: OrderDeps): void {
  procedure(mount, co.kendev.commerce.fulfilOrder, async ({ input, viewer, idempotencyKey }) => {
    const { order: uri, lines, method } = input
    const asker = await requireOrderStaff(deps, { uri, viewer: viewer.did })
    const { at } = asker
    const action = co.kendev.commerce.fulfilOrder.$lxm
    const once = { caller: viewer.did, method: action, key: idempotencyKey, input }
    const id = await deps.transact({ tenant: at.tenant, once }, async (d) => {
      const wanted = { lines, method: method as Method | undefined, ...parcelOf(input) }
      const { writes, jobs, change } = await changeOrder(d, at, (file, when) =>
        fulfilOrder(file, wanted, when),
      )
      return { answer: change.id, writes, jobs, by: byOf(asker, action) }
    })
    return (await fulfilledView(deps, { at, id, viewer: viewer.did })) as never
  })

  procedure(mount, co.kendev.commerce.setFulfilmentStatus, async ({ input, viewer }) => {
    const { fulfilment: uri, to, from, reason } = input
    const asker = await requireOrderStaff(deps, { uri, viewer: viewer.did, part: 'fulfilment' })
    const { at } = asker
    const id = uri.split('/').at(-1)!
    const action = co.kendev.commerce.setFulfilmentStatus.$lxm
    await deps.transact({ tenant: at.tenant }, async (d) => {
      const asked = { id, to, parcel: parcelOf(input), ...(from !== undefined && { from }) }
      const { writes, jobs } = await changeOrder(d, at, (file, when) =>
        setFulfilmentStatus(file, asked, when),
      )
      return { answer: null, writes, jobs, by: byOf(asker, action, reason) }
    })
    return (await fulfilledView(deps, { at, id, viewer: viewer.did })) as never
  })
}

function parcelOf(input: Parcel): Parcel {
  const { trackingNumber, carrier, estimatedDelivery } = input
  const said = { trackingNumber, carrier, estimatedDelivery }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

async function fulfilledView(
  deps: OrderDeps,
  { at, id, viewer }: { at: Parameters<typeof orderUri>[0]; id: string; viewer: string },
) {
  return {
    order: await orderView(deps, orderUri(at), viewer),
    fulfilment: await fulfilmentView(deps, partUri(at, fulfilment.nsid, id), viewer),
  }
}
