import { co } from '../../../lexicons/index.ts'
import { collection, instant, integer, record, text, timestamp } from '../../define.ts'

type Movement = co.kendev.commerce.stockMovement.Main

/** Reasons that only add to what is there, and that only take from it. */
const SIGNS: Readonly<Record<string, number>> = { received: 1, returned: 1, sold: -1, damaged: -1 }

/** Goods of a tenant that came or went: what is there is the sum of them (`domain.md` D-42). */
export const stockMovement = collection({
  record: co.kendev.commerce.stockMovement,
  table: 'stockMovement',
  columns: {
    item: text(),
    product: record(),
    variant: text().optional(),
    delta: integer(),
    reason: text(),
    order: record().optional(),
    note: text().optional(),
    createdAt: timestamp(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['did', 'item'],
  ],
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record: { delta, reason } }) {
    if (delta === 0) return 'NothingMoved'
    const sign = Object.hasOwn(SIGNS, reason) ? SIGNS[reason]! : Math.sign(delta)
    return Math.sign(delta) === sign ? undefined : 'OtherWay'
  },

  row: ({ record: said, claimed }) => ({
    item: said.item,
    product: said.product,
    variant: said.variant ?? null,
    delta: said.delta,
    reason: said.reason,
    order: said.order ?? null,
    note: said.note ?? null,
    createdAt: claimed(said.createdAt),
  }),

  view: (row): co.kendev.commerce.defs.StockMovementView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    item: row.item,
    product: row.product,
    variant: row.variant ?? undefined,
    delta: row.delta,
    reason: row.reason,
    order: row.order ?? undefined,
    note: row.note ?? undefined,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getStockMovement,
  lists: [
    {
      query: co.kendev.commerce.listStockMovements,
      newest: 'createdAt',
      where: { tenant: 'did', item: 'item', product: 'product', order: 'order' },
    },
  ],
  examples: {
    good: [
      { audience: 'staff', record: movement({ note: 'From the harbour.' }) },
      { audience: 'staff', record: movement({ delta: -1, reason: 'sold', order: uriOf('order') }) },
    ],
    bad: {
      NothingMoved: { audience: 'staff', record: movement({ delta: 0 }) },
      OtherWay: { audience: 'staff', record: movement({ delta: 2, reason: 'sold' }) },
    },
  },
})

function movement(content: Partial<Movement>): Omit<Movement, '$type'> {
  const came = { item: '3m6bkl2222222', product: uriOf('product'), delta: 12, reason: 'received' }
  return { ...came, createdAt: '2026-11-23T10:00:00Z', ...content }
}

function uriOf(kind: string): string {
  return `at://did:plc:alice/co.kendev.commerce.${kind}/3m6bkl2222222`
}
