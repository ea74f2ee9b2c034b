import { afterAll, beforeAll, expect, test } from 'vitest'
import { orderCalls, told } from './order-calls.ts'
import {
  BEN,
  CLEO,
  COMMERCE,
  EVE,
  MANAGER,
  MEMBER,
  OWNER,
  type OrderStage,
  SHOP,
  orderStage,
} from './order-stage.ts'

/** Everybody who may ask about an order of Ben's, by how they stand to it and to the shop. */
const CALLERS = {
  anonymous: undefined,
  stranger: CLEO,
  otherAdmin: EVE,
  customer: BEN,
  member: MEMBER,
  manager: MANAGER,
  admin: OWNER,
} as const
type Caller = keyof typeof CALLERS

const STAFF: readonly Caller[] = ['manager', 'admin']
const ADMIN: readonly Caller[] = ['admin']
const ITS_OWN: readonly Caller[] = ['customer', ...STAFF]

/** Who gets as far as the thing itself with each method about orders and revenue. To its customer
 *  what only the staff does is `Forbidden`, as is what only administrators do to the staff; to all
 *  others there is nothing. */
const OPEN_TO: Readonly<Record<string, { to: readonly Caller[]; forbidden?: readonly Caller[] }>> =
  {
    extendReservation: { to: ITS_OWN },
    // The shop is working on it, so its customer asks the shop.
    cancelOrder: { to: STAFF, forbidden: ['customer'] },
    payOrder: { to: ITS_OWN },
    setOrderStatus: { to: STAFF, forbidden: ['customer'] },
    fulfilOrder: { to: STAFF, forbidden: ['customer'] },
    setFulfilmentStatus: { to: STAFF, forbidden: ['customer'] },
    refundOrder: { to: STAFF, forbidden: ['customer'] },
    capturePayment: { to: STAFF, forbidden: ['customer'] },
    voidPayment: { to: STAFF, forbidden: ['customer'] },
    putOrderNotes: { to: STAFF, forbidden: ['customer'] },
    createPayout: { to: ADMIN, forbidden: ['member', 'manager'] },
    settlePayout: { to: ADMIN, forbidden: ['member', 'manager'] },
    getRevenue: { to: STAFF, forbidden: ['member'] },
    getStatement: { to: ADMIN, forbidden: ['member', 'manager'] },
    getCustomerHistory: { to: STAFF, forbidden: ['member'] },
  }
const QUERIES = ['getRevenue', 'getStatement', 'getCustomerHistory']

let stage: OrderStage
const bodies: Record<string, Record<string, unknown>> = {}
const { call, get, checkout, pay } = orderCalls(() => stage)

beforeAll(async () => {
  stage = await orderStage()
  await stage.settings({})
  const { order } = await checkout(BEN, await stage.sell('thing', {}, 9))
  const { payment } = await pay(BEN, order)
  const { fulfilment } = await call<{ fulfilment: { uri: string } }>(OWNER, 'fulfilOrder', {
    order: order.uri,
  })
  const share = { tenant: SHOP, account: 'justiceFund', currency: 'EUR' }
  const one = { order: order.uri }
  const paid = await call<{ uri: string }>(OWNER, 'createPayout', {
    ...share,
    amount: 1,
    idempotencyKey: 'first',
  })
  await call(OWNER, 'settlePayout', { payout: paid.uri, to: 'paid' })
  const { items } = await get<{ items: { key: string }[] }>(OWNER, 'listCustomers', {})
  Object.assign(bodies, {
    extendReservation: one,
    cancelOrder: one,
    payOrder: { ...one, method: 'credit_card' },
    setOrderStatus: { ...one, to: 'pending' },
    fulfilOrder: one,
    setFulfilmentStatus: { fulfilment: fulfilment.uri, to: 'pending' },
    refundOrder: { ...one, amount: 1_000_000, idempotencyKey: 'x' },
    capturePayment: { payment: payment.uri },
    voidPayment: { payment: payment.uri },
    putOrderNotes: { ...one, internalNotes: 'x' },
    createPayout: { ...share, amount: 1_000_000, idempotencyKey: 'x' },
    settlePayout: { payout: paid.uri, to: 'paid' },
    getRevenue: { tenant: SHOP, by: 'period' },
    getStatement: share,
    getCustomerHistory: { tenant: SHOP, customer: items[0]!.key },
  })
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

test.each(Object.keys(OPEN_TO))('%s lets through whom it is for, and nobody else', async (name) => {
  const { to, forbidden = [] } = OPEN_TO[name]!
  for (const [caller, did] of Object.entries(CALLERS) as [Caller, string | undefined][]) {
    const body = bodies[name]!
    const asked = QUERIES.includes(name)
      ? get(did, name, body as Record<string, string>)
      : call(did, name, body)
    const answer = await told(asked)
    const where = `${caller} ${name}: ${answer}`
    if (to.includes(caller))
      expect(['NotFound', 'Forbidden', 'AuthenticationRequired'], where).not.toContain(answer)
    else if (forbidden.includes(caller)) expect(answer, where).toBe('Forbidden')
    else expect(['NotFound', 'AuthenticationRequired'], where).toContain(answer)
  }
})

test('every method about orders and revenue is in the table, or open to all', async () => {
  const { readdirSync, readFileSync } = await import('node:fs')
  const folder = `lexicons/${COMMERCE}`
  const names = readdirSync(folder).map((file) => file.replace('.json', ''))
  const about = names.filter((name) => {
    const text = readFileSync(`${folder}/${name}.json`, 'utf8')
    const { main } = (JSON.parse(text) as { defs: { main?: { type: string } } }).defs
    const isOurs = /order|payment|fulfil|refund|payout|revenue|statement|reservation/i.test(name)
    return isOurs && main?.type === 'procedure'
  })
  expect(about.filter((name) => !(name in OPEN_TO))).toEqual([])
})
