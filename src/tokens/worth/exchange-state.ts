import {
  type DeliveredLeg,
  type PaidLeg,
  type Quote,
  amountOut,
  isExpired,
  refundDue,
  takesQuote,
} from './exchange.ts'
import type { ExchangeAnswer } from './unmatched-legs.ts'

const LONG_AGO = '1970-01-01T00:00:00.000Z'

/** A quote with all that certified transfers have made of it. */
export type QuoteHistory = {
  readonly quote: Quote
  /** milliseconds since 1970 */
  readonly deliverBy: number
  readonly payments: readonly PaidLeg[]
  readonly answers: readonly ExchangeAnswer[]
}

/** How far an exchange has come. */
export type ExchangeState = 'quoted' | 'expired' | 'paid' | 'delivered' | 'refunded' | 'unmatched'

/** One exchange: a quote, and a payment for it if there is one. Amounts are micro-tokens. */
export type Exchanged = {
  readonly state: ExchangeState
  readonly payment?: PaidLeg
  /** Whether the payment is what the quote asks for; if not, it is only given back. */
  readonly takes: boolean
  readonly delivered: bigint
  readonly refunded: bigint
  /** What has to be given back in all, as things stand. */
  readonly due: bigint
}

/**
 * What has come of a quote: an exchange for each payment that names it, and one without as long as
 * none of them takes it. A quote is taken once: by the payment that the provider has delivered for,
 * otherwise by the first one that is what the quote asks for. Whatever else is paid is given back.
 * `now` is milliseconds since 1970.
 */
export function exchangesOf(history: QuoteHistory, now: number): Exchanged[] {
  const { quote, payments } = history
  const paid = payments.map((payment) => exchanged(history, payment, now))
  if (paid.some(({ takes }) => takes)) return paid
  const state = isExpired(quote, now) ? 'expired' : 'quoted'
  return [...paid, { state, takes: false, delivered: 0n, refunded: 0n, due: 0n }]
}

function takerOf({ quote, payments, answers }: QuoteHistory): PaidLeg | undefined {
  const taking = payments.filter((paid) => takesQuote(paid, quote))
  const isDelivered = ({ id, from }: PaidLeg) =>
    answers.some((one) => one.leg === 'delivered' && one.answers === id && one.to === from)
  const inTurn = taking.toSorted((a, b) => compare(a.at, b.at) || compare(a.id, b.id))
  return inTurn.find(isDelivered) ?? inTurn[0]
}

function exchanged(history: QuoteHistory, paid: PaidLeg, now: number): Exchanged {
  const { deliverBy, answers } = history
  const quote = quoteFor(history, paid)
  const takes = takesQuote(paid, quote)
  const own = answers.filter(
    ({ answers: id, from, to }) => id === paid.id && from === paid.to && to === paid.from,
  )
  const sumOf = (leg: ExchangeAnswer['leg']) =>
    own.reduce((sum, one) => (one.leg === leg ? sum + one.amount : sum), 0n)
  const [delivered, refunded] = [sumOf('delivered'), sumOf('refund')]
  const given: DeliveredLeg = { from: paid.to, to: paid.from, answers: paid.id, amount: delivered }
  const due = refundDue({ paid, delivered: given, quote, deliverBy, now })
  return {
    state: stateOf({ takes, due, refunded, late: now >= deliverBy }, delivered, paid, quote),
    payment: paid,
    takes,
    delivered,
    refunded,
    due,
  }
}

/** The quote as it holds for a payment: to one that does not take it, it has ended long ago. */
export function quoteFor(history: QuoteHistory, paid: PaidLeg): Quote {
  const { quote } = history
  return takerOf(history)?.id === paid.id ? quote : { ...quote, expiresAt: LONG_AGO }
}

function stateOf(
  at: { takes: boolean; due: bigint; refunded: bigint; late: boolean },
  delivered: bigint,
  { amount }: PaidLeg,
  quote: Quote,
): ExchangeState {
  const { takes, due, refunded, late } = at
  if (due === 0n) {
    const isWhole = delivered > 0n && (!takes || delivered >= amountOut(amount, quote))
    return isWhole ? 'delivered' : 'paid'
  }
  if (refunded >= due) return 'refunded'
  return late ? 'unmatched' : 'paid'
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What a provider is to do next about an exchange: give so much on the other ledger, give so much
 *  back on the first, or nothing now. It answers a payment once. */
export function nextAnswer(
  history: QuoteHistory,
  paid: PaidLeg,
  now: number,
): { readonly leg: ExchangeAnswer['leg']; readonly amount: bigint } | undefined {
  const { state, takes, due, refunded, delivered } = exchanged(history, paid, now)
  if (delivered > 0n || refunded > 0n || state === 'delivered' || state === 'refunded') return
  if (due > 0n) return { leg: 'refund', amount: due }
  return takes ? { leg: 'delivered', amount: amountOut(paid.amount, history.quote) } : undefined
}
