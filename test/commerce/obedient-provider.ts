import {
  type Payment,
  type PaymentProvider,
  ProviderRefused,
  type Refund,
} from '../../src/appview/payments/payment-provider.ts'

/** What the provider keeps of each payment. */
export const FEE = 7

/** A provider that does what tests say: the way to pay names how a payment ends, what is unknown
 *  and what is on its way back ends when it is told. */
export type ObedientProvider = PaymentProvider & {
  end(reference: string, status: 'captured' | 'declined'): void
  settleRefund(reference: string, key: string, isSent: boolean): void
}

/** Makes one that has taken nothing yet. */
export function obedientProvider(): ObedientProvider {
  const payments = new Map<string, Payment>()
  const of = (reference: string): Payment => {
    const found = payments.get(reference)
    if (found) return found
    throw new ProviderRefused('NotFound', `There is no payment ${reference}.`)
  }
  const set = (reference: string, more: Partial<Payment>): Payment => {
    const next = { ...of(reference), ...more }
    payments.set(reference, next)
    return next
  }
  const captured = (reference: string) => {
    const { amount, currency } = of(reference)
    return set(reference, { status: 'captured', captured: amount, fee: { amount: FEE, currency } })
  }
  return {
    name: 'obedient',
    authorize: async ({ key, amount, currency, method }) => {
      const known = payments.get(key)
      if (known) return known
      const made = { reference: key, key, amount, currency, captured: 0, refunded: 0, refunds: [] }
      payments.set(key, { ...made, status: 'pending' })
      if (method === 'captured') return captured(key)
      if (method === 'unknown') return of(key)
      return set(key, { status: method === 'declined' ? 'declined' : 'authorized' })
    },
    capture: async ({ reference }) => {
      if (of(reference).status === 'authorized') return captured(reference)
      throw new ProviderRefused('WrongState', 'Nothing is held.')
    },
    void: async ({ reference }) =>
      of(reference).status === 'authorized' ? set(reference, { status: 'voided' }) : of(reference),
    refund: async ({ reference, key, amount }) => {
      const { refunds, currency } = of(reference)
      const known = refunds.find((one) => one.key === key)
      if (known) return known
      const made: Refund = { reference: key, key, amount, currency, status: 'pending' }
      set(reference, { refunds: [...refunds, made] })
      return made
    },
    fetch: async (reference) => payments.get(reference),
    readWebhook: () => ({ refusal: 'Malformed' }),
    end: (reference, status) =>
      void (status === 'captured' ? captured(reference) : set(reference, { status })),
    settleRefund: (reference, key, isSent) => {
      const status = isSent ? 'refunded' : 'failed'
      const refunds = of(reference).refunds.map((one) =>
        one.key === key ? ({ ...one, status } as const) : one,
      )
      set(reference, { refunds })
    },
  }
}
