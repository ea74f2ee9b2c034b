import pg from 'pg'
import Stripe from 'stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type StripeApi, eventAbout, intentOf, startStripeApi } from '../stripe-api.ts'
import { COMMERCE, type Shop, offer, openShop } from './shop.ts'

const SECRET = 'whsec_of_this_test'
const signer = new Stripe('sk_test_signs_only')
let api: StripeApi
let world: Shop
let home: Shop['home']
let sql: pg.Client

beforeAll(async () => {
  api = await startStripeApi()
  world = await openShop({
    ANGELOS_STRIPE_SECRET_KEY: 'sk_test_of_this_test',
    ANGELOS_STRIPE_WEBHOOK_SECRET: SECRET,
    ANGELOS_STRIPE_URL: api.url,
  })
  home = world.home
  sql = new pg.Client({ connectionString: home.databaseUrl })
  await sql.connect()
})
afterAll(async () => {
  await sql?.end()
  await world?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
})

const body = eventAbout('evt_1', 'payment_intent.succeeded', intentOf({ status: 'succeeded' }))
const signed = (payload: string, secret = SECRET) =>
  signer.webhooks.generateTestHeaderString({ payload, secret })
const send = (text: string, signature: string, name = 'stripe', method = 'POST') =>
  fetch(`${home.url}/webhooks/payments/${name}`, {
    method,
    headers: { 'stripe-signature': signature, 'content-type': 'application/json' },
    ...(method === 'POST' && { body: text }),
  })
const noted = async () =>
  (await sql.query<{ id: string }>('select id from node."paymentEvent"')).rows.map(({ id }) => id)

test('an event with a false signature is refused, one with a true one is taken twice as once', async () => {
  expect((await send(body, signed(body, 'whsec_forged'))).status).toBe(400)
  expect((await send(`${body} `, signed(body))).status).toBe(400)
  expect(await noted()).toEqual([])
  const first = await send(body, signed(body))
  expect([first.status, await first.text()]).toEqual([200, 'received'])
  const second = await send(body, signed(body))
  expect([second.status, await second.text()]).toEqual([200, 'known'])
  expect(await noted()).toEqual(['evt_1'])
})

test('twenty deliveries of one event at once are one event', async () => {
  const text = eventAbout('evt_2', 'payment_intent.succeeded', intentOf({}))
  const all = await Promise.all(Array.from({ length: 20 }, () => send(text, signed(text))))
  expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  expect(await noted()).toEqual(['evt_1', 'evt_2'])
})

test('the way in takes no more than a webhook has, from providers of this node only', async () => {
  const long = 'x'.repeat(262_145)
  expect((await send(long, signed(long))).status).toBe(413)
  expect((await send(body, signed(body), 'sandbox')).status).toBe(404)
  expect((await send(body, signed(body), 'stripe', 'GET')).status).toBe(405)
  const chunks = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(65_536))
    },
  })
  const endless = fetch(`${home.url}/webhooks/payments/stripe`, {
    method: 'POST',
    body: chunks,
    duplex: 'half',
  } as RequestInit).then(
    ({ status }) => status,
    () => 'cut off',
  )
  expect([413, 'cut off']).toContain(await endless)
})

type Paid = {
  order: { uri: string; status: string }
  payment: { status: string }
  clientSecret?: string
}

test('what a payer confirms at Stripe later is captured by its webhook, early, late and twice', async () => {
  const { owner, manager, stranger: ben } = world.people
  const tenant = world.shop
  await owner.call(`${COMMERCE}.putStoreSettings`, { tenant, settings: { currency: 'EUR' } })
  const pricing = { basePrice: 2_000, currency: 'EUR' }
  const advice = offer('Advice', { productType: 'business_service', pricing })
  const { uri: product } = await world.put(manager, advice)
  const wish = { tenant, lines: [{ product, quantity: 1 }] }
  const { order } = await ben.call<Paid>(`${COMMERCE}.checkout`, wish)
  const paying = { order: order.uri, method: 'stripe' }
  const { payment, clientSecret } = await ben.call<Paid>(`${COMMERCE}.payOrder`, paying)
  expect([payment.status, clientSecret]).toEqual(['pending', 'pi_1_secret_x'])
  const intent = [...api.intents.values()].at(-1)!
  expect(intent.transfer_group).toContain(order.uri.split('/').at(-1))
  const statusOf = async () => {
    const found = await ben.get<Paid['order']>(`${COMMERCE}.getOrder`, { uri: order.uri })
    return found.status
  }
  const tell = async (id: string, type: string, about: object) => {
    const text = eventAbout(id, type, about)
    expect((await send(text, signed(text))).status).toBe(200)
  }
  // An event that says more than is so changes nothing: how it stands is asked.
  await tell('evt_lie', 'payment_intent.succeeded', { ...intent, status: 'succeeded' })
  expect(await statusOf()).toBe('pending')
  api.intents.set(intent.id, { ...intent, status: 'succeeded', amount_received: 2_000 })
  // The news that it was made comes after the news that it is paid.
  await tell('evt_paid', 'payment_intent.succeeded', intent)
  await eventually(async () => expect(await statusOf()).not.toBe('pending'))
  const paid = await statusOf()
  await tell('evt_made', 'payment_intent.created', intent)
  await tell('evt_paid', 'payment_intent.succeeded', intent)
  expect(await statusOf()).toBe(paid)
  const { rows } = await sql.query(`select text from (
      select o.content::text as text from appview."order" o union all
      select p.content::text from appview.payment p union all
      select act::text from node."pendingAct" union all
      select data::text from jobs.job union all
      select to_jsonb(a)::text from node."paymentAttempt" a) kept
    where text like '%secret_x%' or text like '%sk_test%' or text like '%whsec%'`)
  expect(rows).toEqual([])
})
