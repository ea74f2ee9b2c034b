import { co } from '../../../lexicons/index.ts'
import { orderMachine } from '../../commerce/order-machines.ts'
import { collection, did, instant, part, record, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'

type Order = co.kendev.commerce.order.Main

/** An order of a customer of a tenant. How it stands with its payments and fulfilments is written
 *  with every change of these, in one transaction. */
export const order = collection({
  record: co.kendev.commerce.order,
  table: 'order',
  columns: {
    orderNumber: text(),
    words: text(),
    kind: text(),
    customer: did().optional(),
    appointment: record().optional(),
    status: text(),
    paymentStatus: text(),
    /** Until when it keeps stock without being paid. */
    reservedUntil: timestamp().optional(),
    deliveredAt: timestamp().optional(),
    placedAt: timestamp(),
    content: part<Order>(),
  },
  indexes: [['did', 'placedAt'], ['customer'], ['status', 'reservedUntil'], ['appointment']],
  search: ['orderNumber', 'words'],
  people: ['customer'],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: orderMachine,

  accept({ record: order_ }) {
    const { lineItems, currency, totalAmount } = order_
    if (!isCurrency(currency)) return 'UnknownCurrency'
    if (new Set(lineItems.map(({ id }) => id)).size !== lineItems.length) return 'LineTwice'
    const sum = (of: 'totalPrice' | 'discount' | 'tax') =>
      lineItems.reduce((all, line) => all + line[of], 0)
    const isSummed =
      sum('totalPrice') === order_.subtotal &&
      sum('discount') === order_.discountAmount &&
      sum('tax') === order_.taxAmount
    const { subtotal, discountAmount, taxAmount, shippingAmount } = order_
    const tax = order_.taxIncluded ? 0 : taxAmount
    const total = subtotal - discountAmount + tax + shippingAmount
    return isSummed && total === totalAmount ? undefined : 'SumsDiffer'
  },

  row: ({ record: order_, claimed }) => ({
    orderNumber: order_.orderNumber,
    words: wordsOf(order_),
    kind: order_.kind ?? 'sale',
    customer: order_.customer ?? null,
    appointment: order_.appointment ?? null,
    status: order_.status,
    paymentStatus: order_.paymentStatus,
    // Not as claimed: it lies ahead.
    reservedUntil: order_.reservedUntil ? new Date(order_.reservedUntil) : null,
    deliveredAt: order_.deliveredAt ? claimed(order_.deliveredAt) : null,
    placedAt: claimed(order_.placedAt),
    content: order_,
  }),

  view: ({ content, ...row }, look): Omit<co.kendev.commerce.defs.OrderView, 'nextStates'> => {
    const { $type: _, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      tenant: row.did,
      kind: row.kind,
      profile: row.customer ? look.person(row.customer) : undefined,
      dueNow: content.dueNow ?? content.totalAmount,
      placedAt: instant(row.placedAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.commerce.getOrder,
  lists: [
    {
      query: co.kendev.commerce.listOrders,
      newest: 'placedAt',
      where: {
        tenant: 'did',
        status: 'status',
        paymentStatus: 'paymentStatus',
        customer: 'customer',
        kind: 'kind',
        q: ['matches', 'search'],
      },
    },
  ],
  examples: {
    good: [
      { audience: 'customer', record: sold({ customer: 'did:plc:ben' }) },
      {
        audience: 'customer',
        record: sold({
          kind: 'appointment',
          contact: { name: 'Cleo', email: 'cleo@example.com' },
          status: 'pending',
          reservedUntil: '2026-11-23T10:15:00Z',
          paymentStatus: 'pending',
          dueNow: 500,
        }),
      },
    ],
    bad: {
      UnknownCurrency: { audience: 'customer', record: sold({ currency: 'eur' }) },
      LineTwice: { audience: 'customer', record: sold({ lineItems: [item(), item()] }) },
      SumsDiffer: { audience: 'customer', record: sold({ totalAmount: 2_381 }) },
    },
  },
})

function wordsOf({ lineItems, contact }: Order): string {
  const titles = lineItems.map(({ productSnapshot }) => productSnapshot.title)
  return [...titles, contact?.name, contact?.email].filter(Boolean).join(' ')
}

function item(): co.kendev.commerce.order.LineItem {
  return {
    id: 'a',
    product: 'at://did:plc:alice/co.kendev.commerce.product/3m6bkl2222222',
    quantity: 2,
    unitPrice: 1_000,
    totalPrice: 2_000,
    discount: 0,
    taxBp: 1_900,
    tax: 380,
    fulfilment: 'physical',
    productSnapshot: { title: 'Speaker' },
  }
}

function sold(more: Partial<Order>): Omit<Order, '$type'> {
  return {
    orderNumber: 'ORD-2026-000001',
    status: 'processing',
    lineItems: [item()],
    currency: 'EUR',
    subtotal: 2_000,
    discountAmount: 0,
    taxAmount: 380,
    shippingAmount: 0,
    totalAmount: 2_380,
    paymentStatus: 'captured',
    fulfilmentStatus: 'pending',
    placedAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
