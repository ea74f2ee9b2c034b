import { afterAll, beforeAll, expect, test } from 'vitest'
import { customerOf } from '../src/appview/business/customers.ts'
import {
  completeAppointmentOrder,
  placeAppointmentOrder,
} from '../src/appview/orders/appointment-order.ts'
import { type Order, orderCalls, told } from './order-calls.ts'
import { BEN, CLEO, OWNER, type OrderStage, SHOP, orderStage } from './order-stage.ts'

let stage: OrderStage
beforeAll(async () => {
  stage = await orderStage()
  await stage.settings({
    taxRates: [{ name: 'VAT', region: 'DE', rateBp: 1_900 }],
    shippingMethods: [{ id: 'post', name: 'Post', amount: 490 }],
  })
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

const { call, get, checkout, pay, balances } = orderCalls(() => stage)

test('a deposit for an appointment is an order, and who did the work earns by it when it is done', async () => {
  const by = { actor: BEN, role: 'customer', action: 'book' }
  const book = () =>
    stage.node.transact({ tenant: SHOP }, async (d) => {
      const customer = await customerOf(d, { did: BEN })
      const decision = await placeAppointmentOrder(d, {
        customer,
        who: { did: BEN },
        appointment: `at://${SHOP}/co.kendev.booking.appointment/3m6bkl2222222`,
        line: {
          product: `at://${SHOP}/co.kendev.enterprise.venue/3m6bkl2222222`,
          title: 'Installation',
          quantity: 1,
          unitPrice: 10_000,
        },
        where: { country: 'DE' },
        currency: 'EUR',
        deposit: 2_000,
        performer: { did: CLEO, rateBp: 400, rule: 'template' },
        by,
      })
      return { ...decision, writes: [...customer.writes, ...decision.writes] }
    })
  const done = await book()
  const paid = await pay(BEN, { uri: done.order })
  expect(paid).toMatchObject({ payment: { amount: 2_000 }, order: { status: 'processing' } })
  await pay(BEN, { uri: done.order })
  const decide = (does: typeof completeAppointmentOrder) =>
    stage.node.transact({ tenant: SHOP }, async (d) => {
      const { writes, jobs } = await does(d, done.order)
      return { answer: null, writes, jobs, by }
    })
  await decide(completeAppointmentOrder)
  const order = await get<Order>(BEN, 'getOrder', { uri: done.order })
  expect(order).toMatchObject({ kind: 'appointment', status: 'completed', totalAmount: 11_900 })
  expect(await balances(order)).toMatchObject({ commission: -400, humanPartner: -2_600 })
})

test('a code takes off what it says, as often as it may be used, and an order that comes to nothing gives it back', async () => {
  const speaker = await stage.sell('code', {}, 9)
  const record = {
    kind: 'percent',
    rateBp: 1_000,
    limitTotal: 1,
    createdAt: '2026-11-23T10:00:00Z',
  }
  await stage.discount('winter', record)
  const line = { product: speaker, quantity: 1 }
  const lines = [line, { product: speaker, quantity: 2 }]
  const first = await checkout(BEN, speaker, { discountCode: 'winter', lines })
  expect(first.order.lineItems.map(({ discount }) => discount)).toEqual([100, 201])
  const again = () => checkout(CLEO, speaker, { discountCode: 'WINTER' })
  expect(await told(again())).toBe('DiscountUsedUp')
  expect(await told(checkout(BEN, speaker, { discountCode: 'SUMMER' }))).toBe('NoSuchDiscount')
  await call(BEN, 'cancelOrder', { order: first.order.uri })
  expect(await told(again())).toBe('done')
})

test('an order that is not as it was shown, or for whom one is not, is refused', async () => {
  const speaker = await stage.sell('refused', {}, 9)
  const refused = (more: object, who: string | undefined = BEN) =>
    told(checkout(who, speaker, more))
  expect(await refused({ expectedTotal: 1 })).toBe('PriceChanged')
  expect(await refused({ shippingAddress: undefined })).toBe('AddressMissing')
  expect(await refused({ shippingMethod: 'owl' })).toBe('NoSuchShipping')
  expect(await refused({ payLater: true })).toBe('PayLaterRefused')
  expect(await refused({ seller: BEN })).toBe('Forbidden')
  expect(await refused({ customer: CLEO })).toBe('Forbidden')
  expect(await refused({ lines: [] })).toBe('NothingOrdered')
  const none = { product: `${speaker}x`, quantity: 1 }
  expect(await refused({ lines: [none] })).toBe('NotFound')
  const variant = { product: speaker, variant: 'xl', quantity: 1 }
  expect(await refused({ lines: [variant] })).toBe('UnknownVariant')
  const dollars = await stage.sell('usd', { pricing: { basePrice: 1, currency: 'USD' } }, 1)
  const both = [speaker, dollars].map((product) => ({ product, quantity: 1 }))
  expect(await refused({ lines: both })).toBe('OtherCurrency')
  const asked = await stage.sell('asked', { pricing: undefined })
  expect(await refused({ lines: [{ product: asked, quantity: 1 }] })).toBe('NotForSale')
  expect(await refused({ customer: CLEO, payLater: true }, OWNER)).toBe('done')
})

test('a payment and a refund of which nobody knows the end are found out, and happen once', async () => {
  const speaker = await stage.sell('lost', {}, 9)
  const later = async () => {
    stage.now = new Date(+stage.now + 2 * 60_000)
    await stage.sweep()
  }
  for (const paymentMethod of ['sandbox-lost', 'sandbox-refund-unknown']) {
    const { order } = await checkout(BEN, speaker)
    await pay(BEN, order, { paymentMethod })
    await later()
    expect(await get<Order>(BEN, 'getOrder', { uri: order.uri })).toMatchObject({
      status: 'processing',
      paymentStatus: 'captured',
    })
    const wish = { order: order.uri, amount: order.totalAmount, idempotencyKey: paymentMethod }
    await call(OWNER, 'refundOrder', wish)
    // A sweep leaves alone what is still under way.
    const again = async () => {
      await later()
      return get<Order>(BEN, 'getOrder', { uri: order.uri })
    }
    await expect.poll(again).toMatchObject({ status: 'refunded', paymentStatus: 'refunded' })
    const asked = { tenant: SHOP, order: order.uri }
    const { items } = await get<{ items: object[] }>(BEN, 'listRefunds', asked)
    expect(items).toMatchObject([{ status: 'succeeded', amount: order.totalAmount }])
    const fee = Math.round(order.totalAmount * 0.029)
    expect(await balances(order)).toEqual({ customerClearing: -fee, providerFees: fee })
  }
})

test('the key of a request may come in its header, and is one for the caller and the method', async () => {
  const product = await stage.sell('Headers', {}, 5)
  const send = (key: string, quantity = 1) =>
    fetch(`${stage.node.url}/xrpc/co.kendev.commerce.checkout`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-did': BEN, 'idempotency-key': key },
      body: JSON.stringify({ tenant: SHOP, lines: [{ product, quantity }], shippingAddress: HOME }),
    })
  const uri = async (answer: Response) => ((await answer.json()) as { order: Order }).order.uri
  const [first, again] = [await uri(await send('a-key')), await uri(await send('a-key'))]
  expect(again).toBe(first)
  expect(await uri(await send('another'))).not.toBe(first)
  const other = await send('a-key', 2)
  expect([other.status, await other.json()]).toMatchObject([422, { error: 'IdempotencyMismatch' }])
  expect((await send('a key of words')).status).toBe(400)
})

const HOME = { name: 'Ben', address1: 'Road 1', city: 'Berlin', country: 'DE' }
