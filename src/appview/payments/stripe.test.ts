import Stripe from 'stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StripeApi, eventAbout, intentOf, startStripeApi } from '../../../test/stripe-api.ts'
import type { Clock } from '../../clock.ts'
import { OutcomeUnknown, type PaymentProvider, type PaymentWish } from './payment-provider.ts'
import { createStripe } from './stripe.ts'
import { eventOf, fromStripe, paymentOf, toStripe } from './stripe-payment.ts'

const NOW = new Date('2026-11-27T12:00:00Z')
const clock: Clock = { now: () => NOW }
const SECRET = 'whsec_test'
const signer = new Stripe('sk_test_signs_only')

let api: StripeApi
let stripe: PaymentProvider
beforeAll(async () => {
  api = await startStripeApi()
  stripe = createStripe({ secretKey: 'sk_test_1', webhookSecret: SECRET, url: api.url }, clock)
})
afterAll(async () => api?.[Symbol.asyncDispose]())

function wish(more: Partial<PaymentWish>): PaymentWish {
  const asked = { amount: 2_000, currency: 'EUR', method: 'pm_card_visa', capture: false }
  return { key: 'key', group: 'order-1', description: 'ORD-2026-000001', ...asked, ...more }
}

test('a payment is authorized, taken in part, and given back in two parts', async () => {
  const held = await stripe.authorize(wish({ key: 'a' }))
  expect(held).toMatchObject({ status: 'authorized', amount: 2_000, currency: 'EUR', captured: 0 })
  expect(held).toMatchObject({ last4: '4242', key: 'a', clientSecret: undefined })
  const { reference } = held
  const taken = await stripe.capture({ key: 'b', reference, amount: 1_500 })
  expect(taken).toMatchObject({ status: 'captured', captured: 1_500, refunded: 0 })
  expect(taken.fee).toEqual({ amount: 59, currency: 'EUR' })
  await stripe.refund({ key: 'c', reference, amount: 500 })
  await stripe.refund({ key: 'd', reference, amount: 100 })
  expect(await stripe.fetch(reference)).toMatchObject({
    refunded: 600,
    refunds: [
      { key: 'c', amount: 500, status: 'refunded' },
      { key: 'd', amount: 100, status: 'refunded' },
    ],
  })
  const sent = api.asked.find(({ key }) => key === 'authorize a')!
  expect(Object.fromEntries(sent.form)).toMatchObject({
    transfer_group: 'order-1',
    capture_method: 'manual',
    currency: 'eur',
    confirm: 'true',
  })
})

test('a card that is declined is an answer with the bank’s word for it', async () => {
  const method = 'pm_card_chargeDeclined'
  const answer = await stripe.authorize(wish({ key: 'no', method, capture: true }))
  expect(answer).toMatchObject({ status: 'declined', reason: 'insufficient_funds', captured: 0 })
})

test('without a way to pay the payer’s client is handed the secret to go on', async () => {
  const answer = await stripe.authorize(wish({ key: 'later', method: undefined }))
  expect(answer).toMatchObject({ status: 'pending', clientSecret: 'pi_1_secret_x' })
})

test('a connection that breaks leaves it unknown, and the same key finds one payment', async () => {
  const once = createStripe({ secretKey: 'k', webhookSecret: SECRET, url: api.url }, clock)
  const before = api.intents.size
  api.dropNext('after')
  // The package tries again by itself with the same key, so the payment is found at once.
  const answer = await once.authorize(wish({ key: 'twice', capture: true }))
  expect(answer.status).toBe('captured')
  expect(api.intents.size).toBe(before + 1)
  expect(await once.authorize(wish({ key: 'twice', capture: true }))).toEqual(answer)
  expect(api.intents.size).toBe(before + 1)
})

test('nobody there to ask is an unknown outcome, not a refusal', async () => {
  const nobody = { secretKey: 'k', webhookSecret: SECRET, url: 'http://127.0.0.1:9' }
  await expect(createStripe(nobody, clock).authorize(wish({}))).rejects.toThrow(OutcomeUnknown)
}, 20_000)

test('what Stripe does not know is undefined to fetch, and refused to take', async () => {
  expect(await stripe.fetch('pi_none')).toBeUndefined()
  const taking = stripe.capture({ key: 'x', reference: 'pi_none' })
  await expect(taking).rejects.toMatchObject({ name: 'ProviderRefused', code: 'resource_missing' })
})

function webhook(body: string, signature: string | undefined) {
  return { raw: Buffer.from(body), header: (name: string) => given(name, signature) }
}
function given(name: string, signature: string | undefined): string | undefined {
  return name === 'stripe-signature' ? signature : undefined
}
function sign(body: string, at = NOW, secret = SECRET): string {
  const timestamp = Math.floor(at.getTime() / 1_000)
  return signer.webhooks.generateTestHeaderString({ payload: body, secret, timestamp })
}

test('an event signed by Stripe is believed, and says only what it is about', () => {
  const intent = intentOf({ id: 'pi_7', status: 'succeeded', metadata: { angelosKey: 'k7' } })
  const body = eventAbout('evt_1', 'payment_intent.succeeded', intent)
  expect(stripe.readWebhook(webhook(body, sign(body)))).toEqual({
    event: { id: 'evt_1', kind: 'payment', reference: 'pi_7', key: 'k7' },
  })
})

test('a webhook is refused with a false, an old or no signature, and when a byte differs', () => {
  const body = eventAbout('evt_2', 'payment_intent.succeeded', intentOf({}))
  const read = (text: string, signature?: string) => stripe.readWebhook(webhook(text, signature))
  expect(read(body)).toEqual({ refusal: 'BadSignature' })
  expect(read(body, sign(body, NOW, 'whsec_other'))).toEqual({ refusal: 'BadSignature' })
  expect(read(`${body} `, sign(body))).toEqual({ refusal: 'BadSignature' })
  const old = new Date(NOW.getTime() - 301_000)
  expect(read(body, sign(body, old))).toEqual({ refusal: 'TooOld' })
  expect(read('no json', sign('no json'))).toEqual({ refusal: 'Malformed' })
  expect(read('{}', sign('{}'))).toEqual({ refusal: 'Malformed' })
})

test('events about charges, refunds and disputes name the payment; others name none', () => {
  const about = (object: object) => eventOf(JSON.parse(eventAbout('evt', 'x', object)) as never)
  const payment = { payment_intent: 'pi_9' }
  expect(about({ object: 'charge', ...payment })).toMatchObject({ reference: 'pi_9' })
  expect(about({ object: 'refund', ...payment })).toMatchObject({ kind: 'refund' })
  expect(about({ object: 'dispute', ...payment })).toMatchObject({ kind: 'dispute' })
  expect(about({ object: 'payout' })).toMatchObject({ kind: 'other', reference: undefined })
})

test('amounts are minor units of ISO 4217, whatever Stripe counts in', () => {
  expect([toStripe(500, 'JPY'), toStripe(1_999, 'USD'), toStripe(500, 'ISK')]).toEqual([
    500, 1_999, 50_000,
  ])
  expect(fromStripe(50_000, 'ISK')).toBe(500)
  expect(() => toStripe(1_234, 'KWD')).toThrow('multiples of 10')
  expect(paymentOf(intentOf({ currency: 'ugx', amount: 30_000 })).amount).toBe(300)
})
