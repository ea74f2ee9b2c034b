import { createHash } from 'node:crypto'

/** Who takes a tenant's payments. */
export type BillingProvider = {
  /** Makes the tenant a customer; the same `key` again is the same customer. Throws when the
   *  provider refuses. */
  createCustomer(wish: { key: string; name: string; reference?: string }): Promise<string>
  /** Forgets a customer; one that is unknown too. */
  deleteCustomer(customer: string): Promise<void>
}

/** Takes no money. It refuses the reference `sandbox-declined`, to try out what happens then. */
export const sandboxBilling: BillingProvider = {
  async createCustomer({ key, reference }) {
    if (reference === 'sandbox-declined') throw new Error('The payment provider has declined.')
    return `sandbox_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`
  },
  async deleteCustomer() {},
}
