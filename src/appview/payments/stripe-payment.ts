import type Stripe from 'stripe'
import {
  type Payment,
  type PaymentEvent,
  type PaymentStatus,
  ProviderRefused,
  type Refund,
} from './payment-provider.ts'

/** The field of Stripe's objects in which our key comes back. */
export const KEY_FIELD = 'angelosKey'

/** Currencies that Stripe counts in hundredths, though ISO 4217 has no minor unit for them
 *  (https://docs.stripe.com/currencies#special-cases). */
const IN_HUNDREDTHS: ReadonlySet<string> = new Set(['ISK', 'UGX'])
/** Currencies with three decimals, of which Stripe takes tens only. */
const IN_TENS: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])

/** Minor units as Stripe counts them. Throws `ProviderRefused` for what it does not take. */
export function toStripe(amount: number, currency: string): number {
  if (IN_TENS.has(currency) && amount % 10 !== 0)
    throw new ProviderRefused('AmountUnsupported', `Amounts in ${currency} are multiples of 10.`)
  return IN_HUNDREDTHS.has(currency) ? amount * 100 : amount
}

/** Minor units of ISO 4217 again. */
export function fromStripe(amount: number, currency: string): number {
  return IN_HUNDREDTHS.has(currency.toUpperCase()) ? Math.round(amount / 100) : amount
}

/** A payment as Stripe shows it, with its refunds. */
export function paymentOf(
  intent: Stripe.PaymentIntent,
  refunds: readonly Stripe.Refund[] = [],
): Payment {
  const currency = intent.currency.toUpperCase()
  const status = statusOf(intent)
  const charge = typeof intent.latest_charge === 'string' ? undefined : intent.latest_charge
  const given = refunds.map(refundOf)
  const done = given.filter((refund) => refund.status === 'refunded')
  return {
    reference: intent.id,
    key: intent.metadata[KEY_FIELD],
    amount: fromStripe(intent.amount, currency),
    currency,
    status,
    captured: status === 'captured' ? fromStripe(intent.amount_received, currency) : 0,
    refunded: done.reduce((sum, { amount }) => sum + amount, 0),
    refunds: given,
    ...ofCharge(charge ?? undefined),
    reason:
      status === 'declined'
        ? (intent.last_payment_error?.decline_code ?? intent.last_payment_error?.code)
        : undefined,
    clientSecret: status === 'pending' ? (intent.client_secret ?? undefined) : undefined,
  }
}

/** A refund as Stripe shows it. */
export function refundOf(refund: Stripe.Refund): Refund {
  const currency = refund.currency.toUpperCase()
  return {
    reference: refund.id,
    key: refund.metadata?.[KEY_FIELD],
    amount: fromStripe(refund.amount, currency),
    currency,
    status: refundStatus(refund.status),
    reason: refund.failure_reason,
  }
}

/** What an event of Stripe's is about. */
export function eventOf(event: Stripe.Event): PaymentEvent {
  const { id } = event
  const about = event.data.object
  switch (about.object) {
    case 'payment_intent':
      return { id, kind: 'payment', reference: about.id, key: about.metadata[KEY_FIELD] }
    case 'charge':
      return { id, kind: 'payment', reference: idOf(about.payment_intent), key: undefined }
    case 'refund':
      return { id, kind: 'refund', reference: idOf(about.payment_intent), key: undefined }
    case 'dispute':
      return { id, kind: 'dispute', reference: idOf(about.payment_intent), key: undefined }
    default:
      return { id, kind: 'other', reference: undefined, key: undefined }
  }
}

function ofCharge(charge: Stripe.Charge | undefined): Pick<Payment, 'last4' | 'fee' | 'expiresAt'> {
  const card = charge?.payment_method_details?.card
  const balance = charge?.balance_transaction
  const booked = typeof balance === 'object' ? balance : undefined
  const currency = booked?.currency.toUpperCase() ?? ''
  return {
    last4: card?.last4 ?? undefined,
    fee: booked ? { amount: fromStripe(booked.fee, currency), currency } : undefined,
    expiresAt: card?.capture_before ? new Date(card.capture_before * 1_000) : undefined,
  }
}

function statusOf(intent: Stripe.PaymentIntent): PaymentStatus {
  switch (intent.status) {
    case 'succeeded':
      return 'captured'
    case 'requires_capture':
      return 'authorized'
    case 'canceled':
      return 'voided'
    case 'requires_payment_method':
      return intent.last_payment_error ? 'declined' : 'pending'
    default:
      return 'pending'
  }
}

function refundStatus(status: string | null): Refund['status'] {
  if (status === 'succeeded') return 'refunded'
  return status === 'failed' || status === 'canceled' ? 'failed' : 'pending'
}

function idOf(named: string | { id: string } | null | undefined): string | undefined {
  return typeof named === 'string' ? named : named?.id
}
