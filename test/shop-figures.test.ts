import { afterAll, beforeAll, expect, test } from 'vitest'
import { transaction } from '../src/appview/sql.ts'
import { restoreStockOfOrders } from '../src/appview/orders/stock-of-orders.ts'
import { stockLevels } from '../src/appview/stock/stock-levels.ts'
import { eventually } from './eventually.ts'
import { type Order, orderCalls } from './order-calls.ts'
import {
  ADDRESS,
  BEN,
  CLEO,
  COMMERCE,
  EVE,
  OWNER,
  type OrderStage,
  RIVAL,
  SHOP,
  orderStage,
} from './order-stage.ts'

type Figures = {
  views: number
  orders: number
  purchases: number
  revenue: { amount: number; currency: string }[]
  conversionRate?: number
}
type Invoice = { status: string; balance: number; totalAmount: number; uri: string }

let stage: OrderStage
beforeAll(async () => {
  stage = await orderStage()
  await stage.settings({ taxRates: [{ name: 'VAT', region: 'DE', rateBp: 1_900 }] })
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

const { call, get, checkout, pay } = orderCalls(() => stage)
const figures = (uri: string, who: string = OWNER) =>
  get<Figures>(who, 'getProductFigures', { tenant: SHOP, uri })
async function buys(who: string, product: string, quantity: number): Promise<Order> {
  const { order } = await checkout(who, product, { lines: [{ product, quantity }] })
  await pay(who, order)
  return order
}

test('the figures of a product are what was paid for it less what went back, and views', async () => {
  const speaker = await stage.sell('figures', { slug: 'figures' }, 50)
  expect(await figures(speaker)).toEqual({
    product: speaker,
    views: 0,
    orders: 0,
    purchases: 0,
    revenue: [],
  })
  for (let n = 0; n < 8; n++)
    await stage.as(undefined).get(`${COMMERCE}.getProductBySlug`, { owner: SHOP, slug: 'figures' })
  await buys(BEN, speaker, 2)
  const order = await buys(CLEO, speaker, 3)
  const unpaid = {
    tenant: SHOP,
    lines: [{ product: speaker, quantity: 9 }],
    shippingAddress: ADDRESS,
  }
  await call(BEN, 'checkout', unpaid)
  const line = order.lineItems[0]!.id
  await call(OWNER, 'refundOrder', {
    order: order.uri,
    lines: [{ line, quantity: 1 }],
    idempotencyKey: order.uri.slice(-13),
  })
  await eventually(async () =>
    expect(await figures(speaker)).toEqual({
      product: speaker,
      views: 8,
      orders: 2,
      purchases: 5,
      revenue: [{ amount: 4 * 1_003, currency: 'EUR' }],
      conversionRate: 2_500,
    }),
  )
  await expect(figures(speaker, EVE)).rejects.toMatchObject({ error: 'NotFound' })
  const theirs = { tenant: RIVAL, uri: speaker }
  await expect(stage.as(EVE).get(`${COMMERCE}.getProductFigures`, theirs)).rejects.toMatchObject({
    error: 'NotFound',
  })
})

test('an order that is paid has a paid invoice of the same total, to the cent', async () => {
  const speaker = await stage.sell('invoiced', {}, 5)
  const order = await buys(BEN, speaker, 3)
  const asked = { tenant: SHOP, order: order.uri }
  const invoice = await call<Invoice>(OWNER, 'issueInvoice', asked)
  expect(invoice).toMatchObject({ status: 'paid', balance: 0, totalAmount: order.totalAmount })
  const line = order.lineItems[0]!.id
  const { refund } = await call<{ refund: { uri: string; amount: number } }>(OWNER, 'refundOrder', {
    order: order.uri,
    lines: [{ line, quantity: 1 }],
    idempotencyKey: 'one',
  })
  const note = await eventually(() =>
    call<Invoice>(OWNER, 'issueCreditNote', {
      tenant: SHOP,
      invoice: invoice.uri,
      refund: refund.uri,
    }),
  )
  expect(note.totalAmount).toBe(refund.amount)
  const read = { uri: invoice.uri }
  expect(await stage.as(BEN).get<Invoice>(`${COMMERCE}.getInvoice`, read)).toMatchObject({
    status: 'paid',
    balance: 0,
  })
})

test('levels that follow from records are those of the guard, after many orders at once', async () => {
  const speaker = await stage.sell('levels', {}, 20)
  const some = await Promise.all(
    Array.from({ length: 8 }, (_, n) => buys(`did:plc:m${n}`, speaker, 1 + (n % 3))),
  )
  for (const { uri, lineItems } of some.slice(0, 3)) {
    const line = { line: lineItems[0]!.id, quantity: 1 }
    const { fulfilment } = await call<{ fulfilment: { uri: string } }>(OWNER, 'fulfilOrder', {
      order: uri,
      lines: [line],
    })
    await call(OWNER, 'setFulfilmentStatus', { fulfilment: fulfilment.uri, to: 'shipped' })
  }
  const guard = await stage.stock('levels')
  const asked = { tenant: SHOP, product: speaker, now: stage.now, limit: 10 }
  const [level] = await transaction(stage.node.pool, (tx) => stockLevels(tx, asked))
  expect(level).toMatchObject({ ...guard, onHand: 17, allocated: 12, reserved: 0, available: 5 })
})

test('the guard of stock is made again from movements and orders as it was', async () => {
  const { pool, transact } = stage.node
  const speaker = await stage.sell('restored', {}, 9)
  await buys(BEN, speaker, 2)
  const unpaid = {
    tenant: SHOP,
    lines: [{ product: speaker, quantity: 3 }],
    shippingAddress: ADDRESS,
  }
  await call(CLEO, 'checkout', unpaid)
  expect(await stage.stock('restored')).toEqual({ onHand: 9, reserved: 3, allocated: 2 })
  const states = async () => (await pool.query('select * from repo.stock order by item')).rows
  const restore = () =>
    transact({ tenant: SHOP }, async (d) => {
      await restoreStockOfOrders(d)
      return { answer: null, writes: [], by: { actor: OWNER, role: 'test', action: 'test' } }
    })
  const before = await states()
  expect(before.length).toBeGreaterThan(3)
  await restore()
  expect(await states()).toEqual(before)
  await pool.query('update repo.stock set "onHand" = 1, reserved = 1, allocated = 1')
  await restore()
  expect(await states()).toEqual(before)
})
