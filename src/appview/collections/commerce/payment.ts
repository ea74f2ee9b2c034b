import { co } from '../../../lexicons/index.ts'
import { paymentMachine } from '../../commerce/order-machines.ts'
import { collection, instant, part, record, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'
import { isPartOf } from './part-of-order.ts'

type Payment = co.kendev.commerce.payment.Main

/** The key of the examples. */
const KEY = '3m6bkl2222222.1'

/** One attempt to pay for an order. What the provider calls it, and the card, are the node's to
 *  know. */
export const payment = collection({
  record: co.kendev.commerce.payment,
  table: 'payment',
  columns: {
    order: record(),
    status: text(),
    /** When what was authorized ends. */
    expiresAt: timestamp().optional(),
    createdAt: timestamp(),
    content: part<Payment>(),
  },
  indexes: [['did', 'createdAt'], ['order'], ['status', 'expiresAt']],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: paymentMachine,

  accept({ record: paid, rkey }) {
    if (!isPartOf(rkey, paid.order)) return 'KeyIsNotOrder'
    if (!isCurrency(paid.currency)) return 'UnknownCurrency'
    const isIn = ['captured', 'partially_refunded', 'refunded'].includes(paid.status)
    return isIn && paid.capturedAt === undefined ? 'CaptureMissing' : undefined
  },

  row: ({ record: paid, claimed }) => ({
    order: paid.order,
    status: paid.status,
    // Not as claimed: it lies ahead.
    expiresAt: paid.expiresAt ? new Date(paid.expiresAt) : null,
    createdAt: claimed(paid.createdAt),
    content: paid,
  }),

  view: ({ content, ...row }): Omit<co.kendev.commerce.defs.PaymentView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    order: row.order,
    amount: content.amount,
    currency: content.currency,
    method: content.method,
    status: row.status,
    failureReason: content.failureReason,
    authorizedAt: content.authorizedAt,
    expiresAt: content.expiresAt,
    capturedAt: content.capturedAt,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getPayment,
  lists: [
    {
      query: co.kendev.commerce.listPayments,
      newest: 'createdAt',
      where: { tenant: 'did', order: 'order', status: 'status' },
    },
  ],
  examples: {
    good: [
      { rkey: KEY, audience: 'customer', record: paid({}) },
      {
        rkey: `${KEY}1`,
        audience: 'customer',
        record: paid({
          status: 'captured',
          capturedAt: '2026-11-23T10:01:00Z',
          expiresAt: '2026-11-30T10:00:00Z',
        }),
      },
    ],
    bad: {
      KeyIsNotOrder: { rkey: '3m6bkl2222229.1', audience: 'customer', record: paid({}) },
      UnknownCurrency: { rkey: KEY, audience: 'customer', record: paid({ currency: 'XYZ' }) },
      CaptureMissing: { rkey: KEY, audience: 'customer', record: paid({ status: 'refunded' }) },
    },
  },
})

function paid(more: Partial<Payment>): Omit<Payment, '$type'> {
  return {
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    amount: 2_380,
    currency: 'EUR',
    method: 'credit_card',
    status: 'pending',
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
