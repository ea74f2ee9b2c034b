/** An amount in minor units of an ISO 4217 currency in upper case. */
export type Money = { readonly amount: number; readonly currency: string }

/** Who takes payments. Each call is named by a key: the same key again is the same deed with the
 *  same end, so a caller who does not know how a call ended makes it again. Calls throw
 *  `OutcomeUnknown` when nobody knows whether it was done, and `ProviderRefused` when it was not.
 *  */
export type PaymentProvider = {
  /** Names it in rows and in the path of its webhooks. */
  readonly name: string
  /** Asks the payer's bank for the amount, and takes it at once when `capture` says so. */
  authorize(wish: PaymentWish): Promise<Payment>
  /** Takes what was authorized, or less of it; what is left is let go. */
  capture(wish: KeyedReference & { readonly amount?: number | undefined }): Promise<Payment>
  /** Lets go what was authorized. */
  void(wish: KeyedReference): Promise<Payment>
  /** Gives back some of what was captured. */
  refund(wish: KeyedReference & { readonly amount: number }): Promise<Refund>
  /** How a payment stands now; undefined when there is none of that reference. */
  fetch(reference: string): Promise<Payment | undefined>
  /** What a webhook says, once it is known to come from the provider. What it says of the payment
   *  itself is not passed on: events arrive late and out of order, so it is fetched. */
  readWebhook(request: WebhookRequest): WebhookReading
}

/** A deed to be done to a payment. */
export type KeyedReference = { readonly key: string; readonly reference: string }

/** A payment to be made. */
export type PaymentWish = Money & {
  /** At most 128 characters, unique to the attempt. */
  readonly key: string
  /** How it is paid: what the provider gave the payer's client. None asks the payer later. */
  readonly method: string | undefined
  /** Whether it is taken at once. */
  readonly capture: boolean
  /** What payments, refunds and transfers of one order have in common. */
  readonly group: string
  /** What the payer reads about it, such as the number of the order. */
  readonly description: string
}

/** `pending`: the payer or the bank has yet to do something. `voided` is final; a payer whose
 *  client has the payment's secret may pay what was `declined` once more, until it is voided. */
export type PaymentStatus = 'pending' | 'authorized' | 'captured' | 'declined' | 'voided'

/** How a payment stands. Amounts are minor units of its currency. */
export type Payment = Money & {
  readonly reference: string
  /** The key it was made with, when the provider tells. */
  readonly key: string | undefined
  readonly status: PaymentStatus
  readonly captured: number
  /** What has been given back; refunds under way are not in it. */
  readonly refunded: number
  readonly refunds: readonly Refund[]
  /** The last digits of the card or account. */
  readonly last4?: string | undefined
  /** What the provider keeps, in the currency it is paid out in; absent until it is known. */
  readonly fee?: Money | undefined
  /** Until when it can be captured. */
  readonly expiresAt?: Date | undefined
  /** Why it was declined, in a word of the provider's. */
  readonly reason?: string | undefined
  /** What the payer's client needs to go on with a pending payment. A secret: never kept. */
  readonly clientSecret?: string | undefined
}

/** How a refund stands. */
export type Refund = Money & {
  readonly reference: string
  readonly key: string | undefined
  readonly status: 'pending' | 'refunded' | 'failed'
  readonly reason?: string | undefined
}

/** A webhook as it came in: its bytes before anything has read them. */
export type WebhookRequest = {
  readonly raw: Uint8Array
  readonly header: (name: string) => string | undefined
}

/** Something has happened to a payment at the provider. */
export type PaymentEvent = {
  /** Unique at the provider; the same event comes as often as it likes. */
  readonly id: string
  readonly kind: 'payment' | 'refund' | 'dispute' | 'other'
  /** The payment's; absent for events about something else. */
  readonly reference: string | undefined
  /** The key the payment was made with, for when its reference has not been noted yet. */
  readonly key: string | undefined
}

/** The event, or why it is not believed. */
export type WebhookReading =
  | { readonly event: PaymentEvent }
  | { readonly refusal: 'BadSignature' | 'TooOld' | 'Malformed' }

/** Nobody knows whether the provider did what was asked: ask again with the same key. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}

/** The provider has not done what was asked, and will not; `code` says why in a word. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
