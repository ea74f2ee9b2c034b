import { type DeliveredLeg, type PaidLeg, type Quote, refundDue } from './exchange.ts'

/** A payment to a liquidity provider, and until when it should be delivered, milliseconds since
 *  1970. */
export type Exchange = { readonly paid: PaidLeg; readonly quote: Quote; readonly deliverBy: number }

/** What a provider gave for a payment: on the other ledger, or back on the first. */
export type ExchangeAnswer = DeliveredLeg & { readonly leg: 'delivered' | 'refund' }

/**
 * Whether a provider has a leg of an exchange that nothing matches: a payment to it whose time is
 * up and for which it owes more than it has given back, or an answer of its own that goes to nobody
 * who has paid it. Only the provider is to blame for either, so nothing is said of the customer.
 * Needs the legs of both ledgers. One pass over them.
 */
export function hasUnmatchedLeg(input: {
  readonly provider: string
  readonly exchanges: readonly Exchange[]
  readonly answers: readonly ExchangeAnswer[]
  readonly now: number
}): boolean {
  const { provider, now } = input
  const exchanges = input.exchanges.filter(({ paid }) => paid.to === provider)
  const payers = new Map(exchanges.map(({ paid }) => [paid.id, paid.from]))
  const given = new Map<string, Record<ExchangeAnswer['leg'], bigint>>()
  for (const { from, to, answers, leg, amount } of input.answers) {
    if (from !== provider) continue
    if (payers.get(answers) !== to) return true
    const sums = given.get(answers) ?? { delivered: 0n, refund: 0n }
    sums[leg] += amount
    given.set(answers, sums)
  }
  return exchanges.some((exchange) => {
    const { paid, deliverBy } = exchange
    const sums = given.get(paid.id) ?? { delivered: 0n, refund: 0n }
    const between = { from: provider, to: paid.from, answers: paid.id }
    const delivered = { ...between, amount: sums.delivered }
    return now >= deliverBy && refundDue({ ...exchange, delivered, now }) > sums.refund
  })
}
