import { co } from '../../../lexicons/index.ts'
import { fulfilmentMachine } from '../../commerce/order-machines.ts'
import { collection, instant, part, record, text, timestamp } from '../../define.ts'
import { isPartOf } from './part-of-order.ts'

type Fulfilment = co.kendev.commerce.fulfilment.Main

/** The key of the examples. */
const KEY = '3m6bkl2222222.1'

/** Units of an order that are handed over together: a parcel, downloads, work done, goods
 *  fetched. */
export const fulfilment = collection({
  record: co.kendev.commerce.fulfilment,
  table: 'fulfilment',
  columns: {
    order: record(),
    method: text(),
    status: text(),
    createdAt: timestamp(),
    content: part<Fulfilment>(),
  },
  indexes: [['did', 'createdAt'], ['order']],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: fulfilmentMachine,

  accept({ record: parcel, rkey }) {
    if (!isPartOf(rkey, parcel.order)) return 'KeyIsNotOrder'
    const lines = parcel.lines.map(({ line }) => line)
    return new Set(lines).size === lines.length ? undefined : 'LineTwice'
  },

  row: ({ record: parcel, claimed }) => ({
    order: parcel.order,
    method: parcel.method,
    status: parcel.status,
    createdAt: claimed(parcel.createdAt),
    content: parcel,
  }),

  view: ({ content, ...row }): Omit<co.kendev.commerce.defs.FulfilmentView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    order: row.order,
    method: row.method,
    status: row.status,
    lines: content.lines,
    trackingNumber: content.trackingNumber,
    carrier: content.carrier,
    estimatedDelivery: content.estimatedDelivery,
    shippedAt: content.shippedAt,
    deliveredAt: content.deliveredAt,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getFulfilment,
  lists: [
    {
      query: co.kendev.commerce.listFulfilments,
      newest: 'createdAt',
      where: { tenant: 'did', order: 'order', status: 'status' },
    },
  ],
  examples: {
    good: [
      { rkey: KEY, audience: 'customer', record: parcel({}) },
      {
        rkey: `${KEY}1`,
        audience: 'customer',
        record: parcel({ status: 'shipped', carrier: 'dhl', trackingNumber: '00340434' }),
      },
    ],
    bad: {
      KeyIsNotOrder: { rkey: '3m6bkl2222229.1', audience: 'customer', record: parcel({}) },
      LineTwice: {
        rkey: KEY,
        audience: 'customer',
        record: parcel({
          lines: [
            { line: 'a', quantity: 1 },
            { line: 'a', quantity: 1 },
          ],
        }),
      },
    },
  },
})

function parcel(more: Partial<Fulfilment>): Omit<Fulfilment, '$type'> {
  return {
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    method: 'physical',
    status: 'pending',
    lines: [{ line: 'a', quantity: 1 }],
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
