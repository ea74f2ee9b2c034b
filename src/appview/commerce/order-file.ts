/** How a line comes to the customer. */
export type Method = 'digital' | 'physical' | 'service' | 'pickup'

/** A line of an order with what was agreed when it was placed; amounts in minor units. */
export type OrderLine = {
  /** Tells the line from the others of its order, for refunds and fulfilments. */
  readonly id: string
  /** The stock item its units are of; absent where nothing is counted. */
  readonly item?: string
  readonly quantity: number
  readonly unitPrice: number
  readonly totalPrice: number
  readonly discount: number
  readonly taxBp: number
  readonly tax: number
  readonly method: Method
}

/** An order: what was agreed, and how it stands. Times are RFC 3339 in UTC. */
export type Order = {
  readonly status: string
  readonly lines: readonly OrderLine[]
  readonly currency: string
  readonly subtotal: number
  readonly discountAmount: number
  readonly taxAmount: number
  readonly shippingAmount: number
  readonly totalAmount: number
  /** Whether prices are with tax, which is then a part of them. */
  readonly taxIncluded?: boolean
  /** What must be paid or authorized before the order is worked on; all of it unless said. */
  readonly dueNow: number
  /** Whether it is worked on before anything is paid. */
  readonly payLater?: boolean
  readonly paymentStatus: string
  readonly fulfilmentStatus: string
  /** Until when its stock is kept for it while nothing is paid. */
  readonly reservedUntil?: string
  readonly reservationExtended?: boolean
  readonly placedAt: string
  readonly paymentProcessedAt?: string
  readonly shippedAt?: string
  readonly deliveredAt?: string
  readonly completedAt?: string
  readonly cancelledAt?: string
  readonly cancelReason?: string
}

/** One attempt to be paid; `captured` is what came, and only when all of it came. */
export type Payment = {
  readonly id: string
  readonly amount: number
  readonly method: string
  readonly status: string
  readonly failureReason?: string
  readonly authorizedAt?: string
  /** When an authorization that was not captured ends. */
  readonly expiresAt?: string
  readonly capturedAt?: string
  /** What the provider keeps for itself, once it is known. */
  readonly fee?: number
}

/** Units of a line that are paid back. */
export type RefundLine = {
  readonly line: string
  readonly quantity: number
  /** Of these, how many had not been handed over. */
  readonly unshipped: number
  /** Whether the units can be sold again. */
  readonly restock: boolean
  readonly amount: number
  readonly tax: number
}

/** Money on its way back, or back. */
export type Refund = {
  readonly id: string
  readonly payment: string
  /** All of it: lines, shipping and what was given beside them. */
  readonly amount: number
  readonly tax: number
  readonly shipping: number
  readonly lines: readonly RefundLine[]
  readonly reason: string
  readonly status: string
  readonly failureReason?: string
  readonly requestedAt: string
  readonly settledAt?: string
}

/** Units that are handed over together. */
export type Fulfilment = {
  readonly id: string
  readonly method: Method
  readonly status: string
  readonly lines: readonly { readonly line: string; readonly quantity: number }[]
  readonly trackingNumber?: string
  readonly carrier?: string
  readonly estimatedDelivery?: string
  readonly shippedAt?: string
  readonly deliveredAt?: string
}

/** How the revenue of an order is shared, as it was when the order was placed. */
export type Terms = {
  readonly baseKind: 'net_of_tax' | 'total' | 'platform_fee'
  readonly ruleVersion: string
  /** With `platform_fee`: the fee is `part` of every `whole` of the net. */
  readonly fee?: { readonly part: number; readonly whole: number }
  /** What each party earns from the whole order, in minor units. */
  readonly commissions: readonly { readonly party: string; readonly amount: number }[]
}

/** An order with all that belongs to it. */
export type OrderFile = {
  readonly order: Order
  readonly terms: Terms
  readonly payments: readonly Payment[]
  readonly refunds: readonly Refund[]
  readonly fulfilments: readonly Fulfilment[]
}

/** The payment, refund or fulfilment with this id. Throws when there is none, which is a bug of who
 *  read the file. */
export function partOf<T extends { readonly id: string }>(parts: readonly T[], id: string): T {
  const found = parts.find((part) => part.id === id)
  if (!found) throw new Error(`the order has no ${id}`)
  return found
}

/** The parts with one of them changed. */
export function changed<T extends { readonly id: string }>(
  parts: readonly T[],
  id: string,
  change: Partial<T>,
): T[] {
  return parts.map((part) => (part.id === id ? { ...part, ...change } : part))
}

/** The sum of a figure. */
export function total<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((all, part) => all + of(part), 0)
}

/** Whether a payment has come in, whatever went back since. */
export function isCaptured(payment: Payment): boolean {
  return payment.capturedAt !== undefined
}

/** What came in for the order. */
export function capturedOf({ payments }: Pick<OrderFile, 'payments'>): number {
  return total(payments.filter(isCaptured), ({ amount }) => amount)
}

/** Refunds that count against what can still be refunded. */
export function standing(refunds: readonly Refund[]): Refund[] {
  return refunds.filter(({ status }) => status !== 'failed')
}

/** Refunds that the provider has confirmed. */
export function settled(refunds: readonly Refund[]): Refund[] {
  return refunds.filter(({ status }) => status === 'succeeded')
}

/** Whether units of a fulfilment have left the store. */
export function isHandedOver({ status }: Fulfilment): boolean {
  return ['shipped', 'delivered', 'completed'].includes(status)
}

/** Units of a line by where they are: handed over, being packed, paid back before that, and those
 *  that are still to be handed over. */
export function unitsOf(
  { fulfilments, refunds }: Pick<OrderFile, 'fulfilments' | 'refunds'>,
  line: Pick<OrderLine, 'id' | 'quantity'>,
): { handedOver: number; packed: number; givenBack: number; outstanding: number } {
  const inIt = ({ lines }: Fulfilment) =>
    total(lines, (one) => (one.line === line.id ? one.quantity : 0))
  const handedOver = total(fulfilments.filter(isHandedOver), inIt)
  const packed = total(fulfilments, inIt) - handedOver
  const givenBack = total(standing(refunds), ({ lines }) =>
    total(lines, (one) => (one.line === line.id ? one.unshipped : 0)),
  )
  return {
    handedOver,
    packed,
    givenBack,
    outstanding: line.quantity - handedOver - packed - givenBack,
  }
}
