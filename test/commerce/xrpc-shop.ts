import { randomUUID } from 'node:crypto'
import type { Entry } from '../../src/appview/commerce/ledger.ts'
import { paymentEffect } from '../../src/appview/orders/order-clocks.ts'
import { ADDRESS, BEN, COMMERCE, OWNER, type OrderStage, SHOP } from '../order-stage.ts'
import type { ObedientProvider } from './obedient-provider.ts'
import { balances } from './pure-shop.ts'
import { type Done, GOODS, type SeenOrder, type Shop } from './shop.ts'

type Kept = { rkey: string; content: Record<string, unknown> }
type Order = { uri: string; status: string; paymentStatus: string; totalAmount: number }

/** A shop with goods of its own on a stage: everything is done through methods, and looked at in
 *  the views and in the guard of the stock. */
export async function xrpcShop(stage: OrderStage, provider: ObedientProvider): Promise<Shop> {
  const run = randomUUID()
  const uris = await Promise.all(
    GOODS.map(({ price, taxBp, start, method }, n) =>
      stage.sell(
        `${run} ${n}`,
        {
          title: `Thing ${n}`,
          productType: method === 'digital' ? 'digital_download' : 'physical',
          pricing: { basePrice: price, currency: 'EUR' },
          inventory: { trackQuantity: start !== undefined },
          taxCategory: `t${taxBp}`,
        },
        start,
      ),
    ),
  )
  const orders: string[] = []
  const [owner, ben] = [stage.as(OWNER), stage.as(BEN)]
  const parts = async (table: string, order: number): Promise<Kept[]> => {
    const [short] = [orders[order]!.split('/').at(-1)!]
    const { rows } = await stage.node.pool.query<Kept>(
      `select rkey, content from appview."${table}" where rkey > $1 || '.' and rkey < $1 || '/'
       order by "createdAt"`.replace('"createdAt"', 'rkey'),
      [short],
    )
    return rows
  }
  const told = async (reference: string) => {
    const event = { id: randomUUID(), kind: 'payment', reference, key: reference } as const
    const effect = paymentEffect(stage.node.deps as never)
    await effect({ ...event, provider: provider.name }, () => Promise.resolve(true))
  }
  const paymentIn = async (order: number, status: string) => {
    const found = (await parts('payment', order)).find(
      ({ content }) => content['status'] === status,
    )
    if (!found) throw Object.assign(new Error('nothing'), { error: 'NothingHeld' })
    return found.rkey
  }
  const uriOf = (order: number, kind: string, rkey: string) => {
    const place = orders[order]!.split('/').slice(0, -3).join('/')
    return `${place}/${SHOP}/${COMMERCE}.${kind}/${rkey}`
  }
  const refund = (order: number, wish: object) =>
    doing(() =>
      owner.call(`${COMMERCE}.refundOrder`, {
        order: orders[order],
        idempotencyKey: randomUUID(),
        ...wish,
      }),
    )
  return {
    place: (lines) =>
      doing(async () => {
        const { order } = await ben.call<{ order: Order }>(`${COMMERCE}.checkout`, {
          tenant: SHOP,
          lines: lines.map(({ item, quantity }) => ({ product: uris[item], quantity })),
          shippingAddress: ADDRESS,
        })
        orders.push(order.uri)
      }),
    pay: (order, end) =>
      doing(() =>
        ben.call(`${COMMERCE}.payOrder`, {
          order: orders[order],
          method: 'credit_card',
          paymentMethod: end,
          capture: end !== 'authorized',
        }),
      ),
    hear: (order, end) =>
      doing(async () => {
        const key = await paymentIn(order, 'pending')
        provider.end(key, end)
        await told(key)
      }),
    repeat: async (order) => {
      for (const { rkey, content } of await parts('payment', order))
        if (content['capturedAt'] !== undefined) await told(rkey)
    },
    capture: (order) =>
      doing(async () => {
        const key = await paymentIn(order, 'authorized')
        await owner.call(`${COMMERCE}.capturePayment`, { payment: uriOf(order, 'payment', key) })
      }),
    cancel: (order) => doing(() => owner.call(`${COMMERCE}.cancelOrder`, { order: orders[order] })),
    extend: (order) =>
      doing(() => ben.call(`${COMMERCE}.extendReservation`, { order: orders[order] })),
    handOver: (order, line, quantity) =>
      doing(async () => {
        const { fulfilment } = await owner.call<{ fulfilment: { uri: string } }>(
          `${COMMERCE}.fulfilOrder`,
          { order: orders[order], lines: [{ line: `l${line + 1}`, quantity }] },
        )
        const to = { fulfilment: fulfilment.uri, to: 'shipped' }
        await owner.call(`${COMMERCE}.setFulfilmentStatus`, to)
      }),
    deliver: (order) =>
      doing(async () => {
        for (const { rkey, content } of await parts('fulfilment', order)) {
          if (content['status'] !== 'shipped') continue
          const to = { fulfilment: uriOf(order, 'fulfilment', rkey), to: 'delivered' }
          await owner.call(`${COMMERCE}.setFulfilmentStatus`, to)
        }
      }),
    refundUnits: (order, { line, ...wish }) =>
      refund(order, { lines: [{ line: `l${line + 1}`, ...wish }] }),
    refundAmount: (order, amount) => refund(order, { amount }),
    settleRefund: (order, id, isSent) =>
      doing(async () => {
        const found = (await parts('refund', order)).find(({ rkey }) => rkey === id)
        const reference = String(found!.content['payment']).split('/').at(-1)!
        provider.settleRefund(reference, id, isSent)
        await told(reference)
      }),
    wait: async (ms) => {
      stage.now = new Date(+stage.now + ms)
      await stage.sweep()
    },
    see: async (order): Promise<SeenOrder> => {
      const seen = await ben.get<Order>(`${COMMERCE}.getOrder`, { uri: orders[order]! })
      const lines = (seen as unknown as { lineItems: { id: string }[] }).lineItems
      const [payments, refunds, fulfilments] = await Promise.all(
        ['payment', 'refund', 'fulfilment'].map((table) => parts(table, order)),
      )
      const amounts = payments!.map(({ content }) =>
        content['capturedAt'] === undefined ? 0 : Number(content['amount']),
      )
      const out = fulfilments!.filter(({ content }) =>
        ['shipped', 'delivered'].includes(String(content['status'])),
      )
      const units = (id: string) =>
        out
          .flatMap(({ content }) => content['lines'] as { line: string; quantity: number }[])
          .reduce((all, one) => all + (one.line === id ? one.quantity : 0), 0)
      return {
        status: seen.status,
        paymentStatus: seen.paymentStatus,
        total: seen.totalAmount,
        captured: amounts.reduce((all, amount) => all + amount, 0),
        refunds: refunds!.map(({ rkey, content }) => ({
          id: rkey,
          amount: Number(content['amount']),
          status: String(content['status']),
        })),
        handedOver: lines.map(({ id }) => units(id)),
      }
    },
    stock: async (item) => stage.stock(`${run} ${item}`),
    books: async (order) => {
      const { items } = await owner.get<{ items: Entry[] }>(`${COMMERCE}.listLedgerEntries`, {
        tenant: SHOP,
        order: orders[order]!,
        limit: '100',
      })
      return balances(items)
    },
  }
}

async function doing(act: () => Promise<unknown>): Promise<Done> {
  try {
    await act()
    return 'done'
  } catch (error) {
    const { error: name } = error as { error?: string }
    if (name === undefined) throw error
    return { refused: name }
  }
}
