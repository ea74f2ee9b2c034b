import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Price, cycleMonths } from './plans.ts'

/** How often a tenant pays, and how much, of what was said; a currency in upper case (`domain.md`
 *  Throws `NotSupported` for a cycle or a currency that is none. */
export function billingTerms(said: { billingCycle?: string; price?: Price }): {
  cycle?: string
  price?: Price
} {
  const { billingCycle: cycle, price } = said
  if (cycle !== undefined && cycleMonths(cycle) === undefined)
    throw unsupported('A tenant pays monthly, quarterly or annually.')
  const currency = price?.currency.toUpperCase()
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency))
    throw unsupported('A currency has three letters, such as EUR.')
  return {
    ...(cycle !== undefined && { cycle }),
    ...(price && { price: { amount: price.amount, currency: currency! } }),
  }
}

function unsupported(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'NotSupported')
}
