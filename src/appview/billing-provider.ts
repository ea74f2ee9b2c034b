import { createHash } from 'node:crypto'

/** Who takes a tenant's payments. */
export type BillingProvider = {
  /** Makes the tenant a customer; the same `key` again is the same customer. Throws when the
   *  provider refuses. */
  createCustomer(wish: { key: string; name: string; reference?: string }): Promise<string>
  /** Forgets a customer; one that is unknown too. */
  deleteCustomer(customer: string): Promise<void>
}

/** Who takes what members pay for their subscriptions. */
export type PaymentProvider = Pick<BillingProvider, 'createCustomer'> & {
  /** Takes a payment. The same `key` again is the same payment, with the same end. */
  charge(wish: Charge): Promise<Paid>
}

/** A payment to be taken; the amount is in minor units. */
export type Charge = {
  readonly key: string
  readonly customer: string
  readonly method: string | undefined
  readonly amount: number
  readonly currency: string
  /** Whether it is for a period after the first. */
  readonly isRenewal: boolean
}

/** How a payment went; `reference` names it at the provider. */
export type Paid = { readonly status: 'paid' | 'declined'; readonly reference: string }

/** Takes no money. It refuses the reference `sandbox-declined`, to try out what happens then. */
export const sandboxBilling: BillingProvider = {
  async createCustomer({ key, reference }) {
    if (reference === 'sandbox-declined') throw new Error('The payment provider has declined.')
    return `sandbox_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`
  },
  async deleteCustomer() {},
}

/** Takes no money from members either. The way to pay `sandbox-declined` is declined, and
 *  `sandbox-declined-later` from the second period on, to try out what happens then. */
export const sandboxPayments: PaymentProvider = {
  createCustomer: (wish) => sandboxBilling.createCustomer(wish),
  async charge({ key, method, isRenewal }) {
    const isDeclined =
      method === 'sandbox-declined' || (method === 'sandbox-declined-later' && isRenewal)
    const name = createHash('sha256').update(key).digest('hex').slice(0, 24)
    return { status: isDeclined ? 'declined' : 'paid', reference: `sandbox_${name}` }
  },
}
