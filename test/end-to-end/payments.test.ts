import pg from 'pg'
import Stripe from 'stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestNode, startNetwork } from '../network.ts'
import { type StripeApi, eventAbout, intentOf, startStripeApi } from '../stripe-api.ts'

const SECRET = 'whsec_of_this_test'
const signer = new Stripe('sk_test_signs_only')
let api: StripeApi
let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let sql: pg.Client

beforeAll(async () => {
  api = await startStripeApi()
  network = await startNetwork(1, {
    ANGELOS_STRIPE_SECRET_KEY: 'sk_test_of_this_test',
    ANGELOS_STRIPE_WEBHOOK_SECRET: SECRET,
    ANGELOS_STRIPE_URL: api.url,
  })
  home = network.nodes[0]!
  sql = new pg.Client({ connectionString: home.databaseUrl })
  await sql.connect()
})
afterAll(async () => {
  await sql?.end()
  await network?.[Symbol.asyncDispose]()
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
