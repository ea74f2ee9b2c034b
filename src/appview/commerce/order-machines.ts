import type { Guard, Machine } from '../machine.ts'

/** A machine whose state is in `status`. */
type StatusMachine = Machine & { readonly field: 'status' }

/** What speaks against a move of an order, beside its state; what is absent speaks against none. */
export type OrderFacts = {
  readonly status: string
  readonly isUnpaid: boolean
  readonly handedOver: number
  readonly outstanding: number
  readonly hasGoods: boolean
  readonly isUnrefunded: boolean
}

const paid: Guard = {
  name: 'paid',
  kind: 'hard',
  against: ({ isUnpaid }) =>
    isUnpaid === true ? 'What is due has not been paid or authorized.' : undefined,
}

const handedOver: Guard = {
  name: 'nothingHandedOver',
  kind: 'hard',
  against: (row) =>
    Number(row.handedOver ?? 0) > 0
      ? 'Some of it has been handed over already: refund what comes back instead.'
      : undefined,
}

const outstanding: Guard = {
  name: 'allHandedOver',
  kind: 'soft',
  against: (row) =>
    Number(row.outstanding ?? 0) > 0
      ? `${Number(row.outstanding)} of it have not been handed over.`
      : undefined,
}

const nothingToShip: Guard = {
  name: 'nothingToShip',
  kind: 'hard',
  against: ({ hasGoods }) =>
    hasGoods === true ? 'It has goods, so it is shipped first.' : undefined,
}

const byLedger: Guard = {
  name: 'byLedger',
  kind: 'hard',
  against: ({ isUnrefunded }) =>
    isUnrefunded === true ? 'It is refunded once all that was paid is back: refund it.' : undefined,
}

/** The ways of an order (`domain.md` SM-01). */
export const orderMachine: StatusMachine = {
  field: 'status',
  initial: ['pending', 'processing'],
  moves: [
    { from: ['pending'], to: 'processing', guard: paid },
    { from: ['pending', 'processing'], to: 'cancelled', guard: handedOver },
    { from: ['processing'], to: 'shipped', guard: outstanding },
    { from: ['processing'], to: 'delivered', guard: nothingToShip },
    { from: ['shipped'], to: 'delivered' },
    { from: ['processing'], to: 'completed', guard: nothingToShip },
    { from: ['delivered'], to: 'completed' },
    {
      from: ['processing', 'shipped', 'delivered', 'completed'],
      to: 'refunded',
      guard: byLedger,
    },
  ],
}

/** The ways of one payment (`domain.md` SM-02). A voided one has failed, with that as the
 *  reason. */
export const paymentMachine: StatusMachine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending'], to: 'authorized' },
    { from: ['pending', 'authorized'], to: 'captured' },
    { from: ['pending', 'authorized'], to: 'failed' },
    { from: ['failed'], to: 'pending' },
    { from: ['captured'], to: 'partially_refunded' },
    { from: ['captured', 'partially_refunded'], to: 'refunded' },
  ],
}

/** The ways of one refund: nothing is back before the provider says so. */
export const refundMachine: StatusMachine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending'], to: 'succeeded' },
    { from: ['pending'], to: 'failed' },
  ],
}

/** The ways of one payout. */
export const payoutMachine: StatusMachine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending'], to: 'paid' },
    { from: ['pending'], to: 'failed' },
  ],
}

const isSent: Guard = {
  name: 'isSent',
  kind: 'hard',
  against: ({ method = 'physical' }) =>
    method === 'physical'
      ? undefined
      : 'Only goods are shipped: what is handed over otherwise is delivered.',
}

const wasSent: Guard = {
  name: 'wasSent',
  kind: 'hard',
  against: ({ method, status }) =>
    method === 'physical' && status !== 'shipped' ? 'Goods are shipped first.' : undefined,
}

/** The ways of one fulfilment (`domain.md` SM-03). What is not sent is handed over at once. */
export const fulfilmentMachine: StatusMachine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending'], to: 'processing' },
    { from: ['pending', 'processing'], to: 'shipped', guard: isSent },
    { from: ['pending', 'processing', 'shipped'], to: 'delivered', guard: wasSent },
    { from: ['delivered'], to: 'completed' },
  ],
}
