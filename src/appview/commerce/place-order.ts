import { type Line, orderTotals } from '../money/order-totals.ts'
import { type At, advance } from './advance.ts'
import { type Change, refuse, withStatuses } from './change.ts'
import type { Order, OrderLine, Terms } from './order-file.ts'
import { stockBetween } from './stock.ts'

const MINUTE = 60_000
/** How long stock is kept for an order that is not paid yet (`domain.md` N-12). */
export const RESERVATION_MS = 15 * MINUTE

/** A line as it is asked for, its price found out already. */
export type WantedLine = Line & Pick<OrderLine, 'id' | 'item' | 'method'>

/** What an order is made of. */
export type Wanted = {
  readonly lines: readonly WantedLine[]
  readonly currency: string
  readonly discount?: number
  readonly shipping?: number
  /** Whether prices are with tax. */
  readonly taxIncluded?: boolean
  /** What is to be paid before the order is worked on, where that is not all of it. */
  readonly dueNow?: number
  readonly payLater?: boolean
  readonly terms: Terms
}

/** What an order comes to, line by line; nothing happens by it. Throws `NothingOrdered` and
 *  `TooMuch`. */
export function pricedLines(wanted: Omit<Wanted, 'terms'>) {
  const { lines, discount = 0, shipping = 0, taxIncluded = false } = wanted
  if (lines.length === 0) refuse('NothingOrdered', 'Say what is ordered: there is no line.')
  if (lines.some(({ quantity }) => quantity < 1))
    refuse('NothingOrdered', 'Order at least one of each line, or leave the line out.')
  try {
    return orderTotals(lines, { discount, shipping, taxIncluded })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return refuse('TooMuch', 'Order less: this comes to more than can be reckoned.')
  }
}

/** Places an order: prices are frozen and its stock is reserved; one that costs nothing now, or is
 *  paid later, is worked on at once. Throws what `pricedLines` throws. */
export function placeOrder(wanted: Wanted, at: At): Change {
  const { now } = at
  const totals = pricedLines(wanted)
  const dueNow = Math.min(wanted.dueNow ?? totals.total, totals.total)
  const isBegun = dueNow === 0 || wanted.payLater === true
  const order: Order = {
    status: isBegun ? 'processing' : 'pending',
    lines: wanted.lines.map((line, n) => ({ ...line, ...totals.lines[n]! })),
    currency: wanted.currency,
    subtotal: totals.subtotal,
    discountAmount: totals.discount,
    taxAmount: totals.tax,
    shippingAmount: totals.shipping,
    totalAmount: totals.total,
    dueNow,
    ...(wanted.taxIncluded && { taxIncluded: true }),
    ...(wanted.payLater && { payLater: true }),
    paymentStatus: 'pending',
    fulfilmentStatus: 'pending',
    ...(!isBegun && { reservedUntil: new Date(+now + RESERVATION_MS).toISOString() }),
    placedAt: now.toISOString(),
  }
  const nothing = { payments: [], refunds: [], fulfilments: [] }
  const file = withStatuses(advance({ order, terms: wanted.terms, ...nothing }, at))
  const notices = [
    { kind: 'orderPlaced', to: 'customer' },
    { kind: 'orderPlaced', to: 'staff' },
  ] as const
  return { file, entries: [], stock: stockBetween(undefined, file), notices, tasks: [] }
}
