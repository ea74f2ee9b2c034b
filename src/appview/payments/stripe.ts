import Stripe from 'stripe'
import type { Clock } from '../../clock.ts'
import {
  OutcomeUnknown,
  type Payment,
  type PaymentProvider,
  type PaymentWish,
  ProviderRefused,
  type WebhookReading,
  type WebhookRequest,
} from './payment-provider.ts'
import { KEY_FIELD, eventOf, paymentOf, refundOf, toStripe } from './stripe-payment.ts'

/** An account at Stripe. Both secrets are never logged, kept or shown. */
export type StripeAccount = {
  readonly secretKey: string
  /** Signs its webhooks. */
  readonly webhookSecret: string
  /** Where its API is; Stripe's own when left out. */
  readonly url?: string | undefined
}

const TOLERANCE_SECONDS = 300
/** The payer waits meanwhile; what is still open then is found out later. */
const TIMEOUT_MS = 12_000
const TRIES_MORE = 1
const REFUNDS_MAX = 1_000
const SEEN = ['latest_charge.balance_transaction']

/** Takes payments at Stripe, as PaymentIntents of the node's own account; transfers to parties are
 *  of the same `transfer_group` (https://docs.stripe.com/connect/separate-charges-and-transfers).
 *  */
export function createStripe(account: StripeAccount, clock: Clock): PaymentProvider {
  const stripe = new Stripe(account.secretKey, {
    ...(account.url === undefined ? {} : addressOf(account.url)),
    timeout: TIMEOUT_MS,
    maxNetworkRetries: TRIES_MORE,
    telemetry: false,
  })
  const intents = stripe.paymentIntents
  const settled = async (asked: Promise<Stripe.PaymentIntent>) =>
    withRefunds(stripe, await asked.catch(refused))
  return {
    name: 'stripe',
    authorize: (wish) => authorize(stripe, wish),
    capture: async ({ key, reference, amount }) => {
      const part = amount === undefined ? {} : await inUnits(stripe, { reference, amount })
      const wish = { ...part, expand: SEEN }
      return settled(intents.capture(reference, wish, { idempotencyKey: `capture ${key}` }))
    },
    void: ({ key, reference }) =>
      settled(intents.cancel(reference, { expand: SEEN }, { idempotencyKey: `void ${key}` })),
    refund: async ({ key, reference, amount }) => {
      const { amount_to_capture } = await inUnits(stripe, { reference, amount })
      const wish = { payment_intent: reference, amount: amount_to_capture }
      const metadata = { [KEY_FIELD]: key }
      const asked = stripe.refunds.create(
        { ...wish, metadata },
        { idempotencyKey: `refund ${key}` },
      )
      return refundOf(await asked.catch(refused))
    },
    fetch: async (reference) => {
      const found = intents.retrieve(reference, { expand: SEEN }).catch(missing)
      const intent = await found.catch(refused)
      return intent && withRefunds(stripe, intent)
    },
    readWebhook: (request) => readWebhook(stripe, request, { ...account, clock }),
  }
}

async function authorize(stripe: Stripe, wish: PaymentWish): Promise<Payment> {
  const { key, amount, currency, method, capture, group, description } = wish
  const asked = stripe.paymentIntents.create(
    {
      amount: toStripe(amount, currency),
      currency: currency.toLowerCase(),
      capture_method: capture ? 'automatic' : 'manual',
      transfer_group: group,
      description,
      metadata: { [KEY_FIELD]: key },
      expand: SEEN,
      // Without a way to pay, the payer's client confirms it, and may be sent elsewhere for that.
      ...(method === undefined
        ? { automatic_payment_methods: { enabled: true } }
        : {
            automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
            payment_method: method,
            confirm: true,
          }),
    },
    { idempotencyKey: `authorize ${key}` },
  )
  return paymentOf(await asked.catch(declined))
}

/** A card that is declined is an answer, and has a payment of its own. */
function declined(error: unknown): Stripe.PaymentIntent {
  if (error instanceof Stripe.errors.StripeCardError && error.payment_intent)
    return error.payment_intent
  return refused(error)
}

/** What Stripe has certainly not done is a refusal; of everything else nobody knows. */
function refused(error: unknown): never {
  const { errors } = Stripe
  if (!(error instanceof errors.StripeError)) throw error
  const isCertain =
    error instanceof errors.StripeCardError ||
    error instanceof errors.StripeInvalidRequestError ||
    error instanceof errors.StripeAuthenticationError ||
    error instanceof errors.StripePermissionError
  const told = `Stripe: ${error.code ?? error.type} (${error.requestId ?? 'no request id'})`
  if (isCertain) throw new ProviderRefused(error.code ?? error.type, told)
  throw new OutcomeUnknown(told)
}

function missing(error: unknown): undefined {
  const isMissing =
    error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing'
  if (!isMissing) throw error
}

async function withRefunds(stripe: Stripe, intent: Stripe.PaymentIntent): Promise<Payment> {
  if (intent.amount_received === 0) return paymentOf(intent)
  const refunds = await stripe.refunds
    .list({ payment_intent: intent.id, limit: 100 })
    .autoPagingToArray({ limit: REFUNDS_MAX })
    .catch(refused)
  return paymentOf(intent, refunds)
}

/** Part of a payment as Stripe counts it, for which the currency has to be asked. */
async function inUnits(
  stripe: Stripe,
  { reference, amount }: { reference: string; amount: number },
): Promise<{ amount_to_capture: number }> {
  const { currency } = await stripe.paymentIntents.retrieve(reference).catch(refused)
  return { amount_to_capture: toStripe(amount, currency.toUpperCase()) }
}

function readWebhook(
  stripe: Stripe,
  { raw, header }: WebhookRequest,
  { webhookSecret, clock }: Pick<StripeAccount, 'webhookSecret'> & { clock: Clock },
): WebhookReading {
  const signature = header('stripe-signature') ?? ''
  const bytes = Buffer.from(raw)
  const at = clock.now().getTime()
  try {
    const event = stripe.webhooks.constructEvent(
      ...([bytes, signature, webhookSecret, TOLERANCE_SECONDS, undefined, at] as const),
    )
    return { event: eventOf(event) }
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeSignatureVerificationError))
      return { refusal: 'Malformed' }
    const isOld = error.message.includes('Timestamp outside')
    return { refusal: isOld ? 'TooOld' : 'BadSignature' }
  }
}

function addressOf(url: string): { host: string; port: string; protocol: 'http' | 'https' } {
  const { hostname, port, protocol } = new URL(url)
  const isPlain = protocol === 'http:'
  return {
    host: hostname,
    port: port || (isPlain ? '80' : '443'),
    protocol: isPlain ? 'http' : 'https',
  }
}
