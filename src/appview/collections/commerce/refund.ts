import { co } from '../../../lexicons/index.ts'
import { refundMachine } from '../../commerce/order-machines.ts'
import { collection, instant, part, record, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'
import { isPartOf } from './part-of-order.ts'

type Refund = co.kendev.commerce.refund.Main

/** The key of the examples. */
const KEY = '3m6bkl2222222.1'

/** Money that goes back to a customer. It is back once the provider has said so. */
export const refund = collection({
  record: co.kendev.commerce.refund,
  table: 'refund',
  columns: {
    order: record(),
    payment: record(),
    status: text(),
    requestedAt: timestamp(),
    content: part<Refund>(),
  },
  indexes: [['did', 'requestedAt'], ['order'], ['status']],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: refundMachine,

  accept({ record: back, rkey }) {
    if (!isPartOf(rkey, back.order)) return 'KeyIsNotOrder'
    if (!isCurrency(back.currency)) return 'UnknownCurrency'
    const lines = back.lines.reduce((all, { amount }) => all + amount, 0)
    const isMore = lines + back.shippingAmount > back.amount || back.taxAmount > back.amount
    return isMore ? 'PartsAboveWhole' : undefined
  },

  row: ({ record: back, claimed }) => ({
    order: back.order,
    payment: back.payment,
    status: back.status,
    requestedAt: claimed(back.requestedAt),
    content: back,
  }),

  view: ({ content, ...row }): Omit<co.kendev.commerce.defs.RefundView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    order: row.order,
    payment: row.payment,
    amount: content.amount,
    currency: content.currency,
    taxAmount: content.taxAmount,
    shippingAmount: content.shippingAmount,
    lines: content.lines,
    reason: content.reason,
    note: content.note,
    status: row.status,
    failureReason: content.failureReason,
    requestedAt: instant(row.requestedAt),
    settledAt: content.settledAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getRefund,
  lists: [
    {
      query: co.kendev.commerce.listRefunds,
      newest: 'requestedAt',
      where: { tenant: 'did', order: 'order', status: 'status' },
    },
  ],
  examples: {
    good: [
      { rkey: KEY, audience: 'customer', record: back({}) },
      {
        rkey: `${KEY}1`,
        audience: 'customer',
        record: back({
          lines: [{ line: 'a', quantity: 1, unshipped: 0, restock: true, amount: 1_190, tax: 190 }],
          status: 'succeeded',
          settledAt: '2026-11-24T10:00:00Z',
        }),
      },
    ],
    bad: {
      KeyIsNotOrder: { rkey: '3m6bkl2222229.1', audience: 'customer', record: back({}) },
      UnknownCurrency: { rkey: KEY, audience: 'customer', record: back({ currency: 'XYZ' }) },
      PartsAboveWhole: { rkey: KEY, audience: 'customer', record: back({ shippingAmount: 1_191 }) },
    },
  },
})

function back(more: Partial<Refund>): Omit<Refund, '$type'> {
  return {
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    payment: 'at://did:plc:alice/co.kendev.commerce.payment/3m6bkl2222223',
    amount: 1_190,
    currency: 'EUR',
    taxAmount: 190,
    shippingAmount: 0,
    lines: [],
    reason: 'requested',
    status: 'pending',
    requestedAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
