/** A refund as it stands. */
export type SeenRefund = { id: string; amount: number; status: string }

/** An order as it can be seen from outside. */
export type SeenOrder = {
  status: string
  paymentStatus: string
  total: number
  captured: number
  refunds: SeenRefund[]
  /** Units of each line that have been handed over. */
  handedOver: number[]
}

/** Units of a stock item. */
export type SeenStock = { onHand: number; reserved: number; allocated: number }

/** Whether something was done, and by which name it was refused. */
export type Done = 'done' | { refused: string }

/** How a payment ends, as far as the shop is told. */
export type PaymentEnd = 'authorized' | 'captured' | 'declined' | 'unknown'

/** A shop that is driven and looked at, whatever it is made of. Orders are told by their number. */
export type Shop = {
  place(lines: readonly { item: number; quantity: number }[]): Promise<Done>
  pay(order: number, end: PaymentEnd): Promise<Done>
  /** What the provider says later about a payment that was unknown. */
  hear(order: number, end: 'captured' | 'declined'): Promise<Done>
  /** The provider says once more what it has said about what came. */
  repeat(order: number): Promise<void>
  capture(order: number): Promise<Done>
  cancel(order: number): Promise<Done>
  extend(order: number): Promise<Done>
  handOver(order: number, line: number, quantity: number): Promise<Done>
  deliver(order: number): Promise<Done>
  refundUnits(
    order: number,
    wish: { line: number; quantity: number; restock: boolean },
  ): Promise<Done>
  refundAmount(order: number, amount: number): Promise<Done>
  /** What the provider says about a refund that is pending. */
  settleRefund(order: number, refund: string, isSent: boolean): Promise<Done>
  wait(ms: number): Promise<void>
  see(order: number): Promise<SeenOrder>
  stock(item: number): Promise<SeenStock>
  /** What every account has of an order; throws when an entry is not balanced. */
  books(order: number): Promise<ReadonlyMap<string, number>>
}

/** What the shop sells: two things that are counted, and a download. */
export const GOODS = [
  { price: 1_003, taxBp: 1_900, start: 6, method: 'physical' },
  { price: 333, taxBp: 700, start: 4, method: 'physical' },
  { price: 99, taxBp: 0, start: undefined, method: 'digital' },
] as const
