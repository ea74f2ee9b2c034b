import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Entry,
  type Order,
  type Paid,
  type Refunded,
  orderCalls,
  told,
} from './order-calls.ts'
import {
  BEN,
  CLEO,
  COMMERCE,
  EVE,
  OWNER,
  type OrderStage,
  SHOP,
  orderStage,
} from './order-stage.ts'

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

test('of fifty orders at once for the last five, five are placed and nothing is oversold', async () => {
  const speaker = await stage.sell('rush', {}, 5)
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, n) => told(checkout(`did:plc:n${n}`, speaker))),
  )
  expect(all.filter((one) => one === 'done')).toHaveLength(5)
  expect(all.filter((one) => one === 'InsufficientStock')).toHaveLength(45)
  expect(await stage.stock('rush')).toEqual({ onHand: 5, reserved: 5, allocated: 0 })
  const { items } = await get<{ items: Order[] }>(OWNER, 'listOrders', { tenant: SHOP })
  const numbers = items.map(({ orderNumber }) => orderNumber).toSorted()
  expect(numbers).toEqual([1, 2, 3, 4, 5].map((n) => `ORD-2026-00000${n}`))
})

test('lines of one thing are counted together', async () => {
  const speaker = await stage.sell('twice', {}, 5)
  const line = { product: speaker, quantity: 3 }
  expect(await told(checkout(BEN, speaker, { lines: [line, line] }))).toBe('InsufficientStock')
  expect(await stage.stock('twice')).toMatchObject({ reserved: 0 })
})

test('an order is paid, sent in parts, refunded twice, and leaves nothing on any account', async () => {
  const speaker = await stage.sell('life', {}, 5)
  const lines = [{ product: speaker, quantity: 3 }]
  const { order } = await checkout(BEN, speaker, { lines })
  expect(order).toMatchObject({
    status: 'pending',
    taxAmount: 572,
    totalAmount: 3_009 + 572 + 490,
    nextStates: ['processing', 'cancelled'],
  })
  const paid = await pay(BEN, order, { idempotencyKey: 'once' })
  expect(paid.payment.status).toBe('captured')
  expect(paid.order).toMatchObject({ status: 'processing', paymentStatus: 'captured' })
  const again = await pay(BEN, order, { idempotencyKey: 'once' })
  expect(again.payment.uri).toBe(paid.payment.uri)
  expect(await stage.stock('life')).toEqual({ onHand: 5, reserved: 0, allocated: 3 })

  const line = order.lineItems[0]!.id
  const part = { order: order.uri, lines: [{ line, quantity: 1 }] }
  const packed = await call<{ fulfilment: { uri: string } }>(OWNER, 'fulfilOrder', part)
  const parcel = { to: 'shipped', carrier: 'dhl', trackingNumber: '0034' }
  const sent = await call<{ order: Order }>(OWNER, 'setFulfilmentStatus', {
    fulfilment: packed.fulfilment.uri,
    ...parcel,
  })
  expect(sent.order).toMatchObject({ status: 'processing', fulfilmentStatus: 'processing' })
  expect(await stage.stock('life')).toEqual({ onHand: 4, reserved: 0, allocated: 2 })

  const refund = (key: string, more: object) =>
    call<Refunded>(OWNER, 'refundOrder', { order: order.uri, idempotencyKey: key, ...more })
  const first = await refund('a', { lines: [{ line, quantity: 2, restock: true }] })
  expect(first.refund).toMatchObject({ status: 'succeeded', amount: 2_387 })
  expect(first.order).toMatchObject({ status: 'shipped', paymentStatus: 'partially_refunded' })
  expect((await refund('a', { lines: [{ line, quantity: 2, restock: true }] })).refund.uri).toBe(
    first.refund.uri,
  )
  expect(await told(refund('a', { amount: 1 }))).toBe('IdempotencyMismatch')
  expect(await stage.stock('life')).toEqual({ onHand: 4, reserved: 0, allocated: 0 })
  expect(await told(refund('b', { amount: order.totalAmount }))).toBe('RefundTooLarge')
  const rest = await refund('c', { lines: [{ line, quantity: 1 }], shipping: 490 })
  expect(rest.order).toMatchObject({ status: 'refunded', paymentStatus: 'refunded' })
  const fee = Math.round(order.totalAmount * 0.029)
  expect(await balances(order)).toEqual({ customerClearing: -fee, providerFees: fee })
})

test('what a customer may not see of an order is seen by the staff only', async () => {
  const speaker = await stage.sell('private', {}, 5)
  const { order } = await checkout(BEN, speaker)
  const notes = { order: order.uri, internalNotes: 'pays late', metadata: [] }
  await call(OWNER, 'putOrderNotes', notes)
  expect(await told(call(BEN, 'putOrderNotes', notes))).toBe('Forbidden')
  const rkey = order.uri.split('/').at(-1)!
  const at = (kind: string) => ({ uri: `at://${SHOP}/${COMMERCE}.${kind}/${rkey}` })
  expect(await get(OWNER, 'getOrderNotes', at('orderNotes'))).toMatchObject({
    internalNotes: 'pays late',
  })
  expect(await get(OWNER, 'getOrderTerms', at('orderTerms'))).toMatchObject({
    projected: { base: 1_003 + 490, justiceFund: 74 },
  })
  expect(await get(BEN, 'getOrder', { uri: order.uri })).not.toHaveProperty('internalNotes')
  for (const who of [BEN, CLEO, EVE, undefined]) {
    expect(await told(get(who, 'getOrderNotes', at('orderNotes')))).toBe('NotFound')
    expect(await told(get(who, 'getOrderTerms', at('orderTerms')))).toBe('NotFound')
  }
  for (const who of [CLEO, EVE, undefined]) {
    expect(await told(get(who, 'getOrder', { uri: order.uri }))).toBe('NotFound')
    const { items } = await get<{ items: Order[] }>(who, 'listOrders', { tenant: SHOP })
    expect(items).toEqual([])
  }
  for (const who of [CLEO, EVE]) {
    expect(await told(pay(who, order))).toBe('NotFound')
    expect(await told(call(who, 'cancelOrder', { order: order.uri }))).toBe('NotFound')
  }
})

test('a guest orders, comes back by a link, and nobody else does', async () => {
  const speaker = await stage.sell('guest', {}, 5)
  expect(await told(checkout(undefined, speaker))).toBe('ContactMissing')
  const contact = { name: 'Gast', email: 'gast@example.com' }
  const { order, link } = await checkout(undefined, speaker, { contact })
  expect(await get<Order>(undefined, 'getOrderByLink', { link: link! })).toMatchObject({
    orderNumber: order.orderNumber,
  })
  expect(await told(pay(undefined, order))).toBe('NotFound')
  expect((await pay(undefined, order, { link })).order.status).toBe('processing')
  expect(await told(call(undefined, 'cancelOrder', { order: order.uri, link }))).toBe('Forbidden')
  await expect.poll(() => stage.letters.map(({ subject }) => subject)).toHaveLength(3)
  const [letter] = stage.letters
  expect(letter).toMatchObject({ to: 'gast@example.com' })
  const sent = letter!.text.split('\n').at(-1)!
  expect(await get(undefined, 'getOrderByLink', { link: sent })).toMatchObject({ uri: order.uri })
})

test('a reservation ends, is extended once, and frees what it kept', async () => {
  const speaker = await stage.sell('short', {}, 1)
  const { order } = await checkout(BEN, speaker)
  await call(BEN, 'extendReservation', { order: order.uri })
  expect(await told(call(BEN, 'extendReservation', { order: order.uri }))).toBe('AlreadyExtended')
  stage.now = new Date(+stage.now + 31 * 60_000)
  expect(await told(pay(BEN, order))).toBe('ReservationExpired')
  const next = await checkout(CLEO, speaker)
  expect(await get(BEN, 'getOrder', { uri: order.uri })).toMatchObject({
    status: 'cancelled',
    cancelReason: 'reservationExpired',
  })
  await call(CLEO, 'cancelOrder', { order: next.order.uri })
  expect(await stage.stock('short')).toEqual({ onHand: 1, reserved: 0, allocated: 0 })
})

test('a payment is declined, tried again, held, and let go or taken by the staff', async () => {
  const speaker = await stage.sell('held', {}, 5)
  const { order } = await checkout(BEN, speaker)
  const no = await pay(BEN, order, { paymentMethod: 'sandbox-declined' })
  expect(no.payment).toMatchObject({ status: 'failed', failureReason: 'card_declined' })
  const held = await pay(BEN, order, { capture: false })
  expect(held).toMatchObject({ payment: { status: 'authorized' }, order: { status: 'processing' } })
  expect(await told(pay(BEN, order))).toBe('NothingDue')
  expect(await told(call(BEN, 'capturePayment', { payment: held.payment.uri }))).toBe('Forbidden')
  const let_ = await call<Paid>(OWNER, 'voidPayment', { payment: held.payment.uri })
  expect(let_.payment).toMatchObject({ status: 'failed', failureReason: 'voided' })
  const more = await pay(BEN, order, { capture: false })
  const taken = await call<Paid>(OWNER, 'capturePayment', { payment: more.payment.uri })
  expect(taken).toMatchObject({
    payment: { status: 'captured' },
    order: { paymentStatus: 'captured' },
  })
  expect(await told(call(OWNER, 'voidPayment', { payment: more.payment.uri }))).toBe(
    'AlreadyCaptured',
  )
})

test('what the provider did not tell is found out, and happens once', async () => {
  const speaker = await stage.sell('unknown', {}, 9)
  for (const paymentMethod of ['sandbox-unknown', 'sandbox-delayed', 'sandbox-duplicate']) {
    const { order } = await checkout(BEN, speaker)
    await pay(BEN, order, { paymentMethod })
    stage.now = new Date(+stage.now + 3_000)
    await expect
      .poll(() => get(BEN, 'getOrder', { uri: order.uri }), { timeout: 20_000 })
      .toMatchObject({ status: 'processing', paymentStatus: 'captured' })
    const { items } = await get<{ items: Entry[] }>(OWNER, 'listLedgerEntries', {
      tenant: SHOP,
      order: order.uri,
    })
    expect(items.map(({ kind }) => kind).toSorted()).toEqual(['capture', 'providerFee'])
  }
})

test('an order that is cancelled after it was paid for is paid back', async () => {
  const speaker = await stage.sell('back', {}, 1)
  const { order } = await checkout(BEN, speaker)
  await pay(BEN, order)
  const cancelled = await call<Order>(OWNER, 'cancelOrder', { order: order.uri, reason: 'gone' })
  expect(cancelled).toMatchObject({ status: 'cancelled', paymentStatus: 'refunded' })
  expect(await stage.stock('back')).toEqual({ onHand: 1, reserved: 0, allocated: 0 })
  expect(await told(call(OWNER, 'setOrderStatus', { order: order.uri, to: 'shipped' }))).toBe(
    'InvalidTransition',
  )
})

test('what is delivered is completed by itself when the time to send it back is over', async () => {
  const speaker = await stage.sell('done', {}, 1)
  const { order } = await checkout(BEN, speaker)
  await pay(BEN, order)
  const to = (state: string, more: object = {}) =>
    call<Order>(OWNER, 'setOrderStatus', { order: order.uri, to: state, ...more })
  expect(await told(to('shipped'))).toBe('GuardFailed')
  await to('shipped', { override: true, reason: 'given over the counter' })
  await to('delivered')
  stage.now = new Date(+stage.now + 14 * 86_400_000)
  await stage.sweep()
  expect(await get(BEN, 'getOrder', { uri: order.uri })).toMatchObject({ status: 'completed' })
})
