import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Stripe from 'stripe'

/** What Stripe's API is asked here, and how it fails on demand. */
export type StripeApi = AsyncDisposable & {
  readonly url: string
  readonly intents: Map<string, Stripe.PaymentIntent>
  /** Each request: method, path, form. */
  readonly asked: { path: string; form: URLSearchParams; key: string | undefined }[]
  /** Drops the connection of the next request, before or after doing what it says. */
  dropNext(when: 'before' | 'after'): void
}

/** As much of Stripe's API as the adapter speaks, with objects as the package types them. */
export async function startStripeApi(): Promise<StripeApi> {
  const intents = new Map<string, Stripe.PaymentIntent>()
  const refunds = new Map<string, Stripe.Refund>()
  const answers = new Map<string, { status: number; body: object }>()
  const asked: StripeApi['asked'] = []
  let drop: 'before' | 'after' | undefined
  const server = createServer((req, res) => {
    void (async () => {
      let text = ''
      for await (const piece of req) text += String(piece)
      const form = new URLSearchParams(text)
      const key = req.headers['idempotency-key']
      const path = `${req.method} ${(req.url ?? '').split('?')[0]}`
      const named = typeof key === 'string' ? key : undefined
      asked.push({ path, form, key: named })
      const dropping = drop
      drop = undefined
      if (dropping === 'before') return req.socket.destroy()
      const known = named === undefined ? undefined : answers.get(named)
      const answer = known ?? answerTo(path, form, { intents, refunds })
      if (named !== undefined && req.method === 'POST') answers.set(named, answer)
      if (dropping === 'after') return req.socket.destroy()
      res.writeHead(answer.status, { 'content-type': 'application/json', 'request-id': 'req_1' })
      res.end(JSON.stringify(answer.body))
    })()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intents,
    asked,
    dropNext: (when) => void (drop = when),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

type Kept = { intents: Map<string, Stripe.PaymentIntent>; refunds: Map<string, Stripe.Refund> }

function answerTo(path: string, form: URLSearchParams, kept: Kept) {
  const [, method, , kind, id, deed] = /^(\w+) (\/v1)\/(\w+)(?:\/(\w+))?(?:\/(\w+))?$/.exec(path)!
  if (kind === 'refunds') return method === 'GET' ? listRefunds(kept) : refund(form, kept)
  if (id === undefined) return create(form, kept)
  const intent = kept.intents.get(id)
  if (!intent)
    return {
      status: 404,
      body: { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No.' } },
    }
  const amount = Number(form.get('amount_to_capture') ?? intent.amount)
  if (deed === 'capture') change(kept, intent, { status: 'succeeded', amount_received: amount })
  if (deed === 'cancel') change(kept, intent, { status: 'canceled' })
  return { status: 200, body: kept.intents.get(id)! }
}

function create(form: URLSearchParams, kept: Kept) {
  const method = form.get('payment_method')
  const amount = Number(form.get('amount'))
  const isDeclined = method === 'pm_card_chargeDeclined'
  const done = form.get('capture_method') === 'manual' ? 'requires_capture' : 'succeeded'
  const status = method === null ? 'requires_payment_method' : done
  const made = intentOf({
    id: `pi_${kept.intents.size + 1}`,
    amount,
    currency: form.get('currency')!,
    status: isDeclined ? 'requires_payment_method' : status,
    amount_received: status === 'succeeded' && !isDeclined ? amount : 0,
    metadata: { angelosKey: form.get('metadata[angelosKey]')! },
    transfer_group: form.get('transfer_group'),
    latest_charge: method === null || isDeclined ? null : CHARGE,
  })
  kept.intents.set(made.id, made)
  if (!isDeclined) return { status: 200, body: made }
  const failure = { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds' }
  const told = { ...made, last_payment_error: failure }
  return { status: 402, body: { error: { ...failure, message: 'No.', payment_intent: told } } }
}

function refund(form: URLSearchParams, { intents, refunds }: Kept) {
  const intent = intents.get(form.get('payment_intent')!)!
  const made = {
    id: `re_${refunds.size + 1}`,
    object: 'refund',
    amount: Number(form.get('amount')),
    currency: intent.currency,
    status: 'succeeded',
    payment_intent: intent.id,
    metadata: { angelosKey: form.get('metadata[angelosKey]')! },
  } satisfies Partial<Stripe.Refund>
  refunds.set(made.id, made as unknown as Stripe.Refund)
  return { status: 200, body: made }
}

function listRefunds({ refunds }: Kept) {
  const body = { object: 'list', data: [...refunds.values()], has_more: false, url: '/v1/refunds' }
  return { status: 200, body }
}

function change(
  { intents }: Kept,
  intent: Stripe.PaymentIntent,
  to: Partial<Stripe.PaymentIntent>,
) {
  intents.set(intent.id, { ...intent, ...to })
}

const CHARGE = {
  id: 'ch_1',
  object: 'charge',
  balance_transaction: { id: 'txn_1', object: 'balance_transaction', fee: 59, currency: 'eur' },
  payment_method_details: { type: 'card', card: { last4: '4242', capture_before: 1_800_000_000 } },
} as unknown as Stripe.Charge

/** A payment as Stripe shows it. */
export function intentOf(content: Partial<Stripe.PaymentIntent>): Stripe.PaymentIntent {
  const intent = {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 2_000,
    amount_received: 0,
    currency: 'eur',
    status: 'requires_payment_method',
    metadata: {},
    client_secret: 'pi_1_secret_x',
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    ...content,
  } satisfies Partial<Stripe.PaymentIntent>
  return intent as unknown as Stripe.PaymentIntent
}

/** An event of Stripe's about an object. */
export function eventAbout(id: string, type: string, object: object): string {
  const event = { id, object: 'event', type, created: 1_790_000_000, data: { object } }
  return JSON.stringify(event)
}
