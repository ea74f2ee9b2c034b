import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'

type Notes = co.kendev.commerce.orderNotes.Main

/** What the staff notes about an order, which its customer does not see. */
export const orderNotes = collection({
  record: co.kendev.commerce.orderNotes,
  table: 'orderNotes',
  columns: { updatedAt: timestamp(), content: part<Notes>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record }) {
    const names = (record.metadata ?? []).map(({ name }) => name)
    return new Set(names).size === names.length ? undefined : 'NameTwice'
  },

  row: ({ record, claimed }) => ({ updatedAt: claimed(record.updatedAt), content: record }),

  view: ({ content, ...row }): co.kendev.commerce.defs.OrderNotesView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    internalNotes: content.internalNotes,
    metadata: content.metadata,
    updatedAt: instant(row.updatedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getOrderNotes,
  examples: {
    good: [
      {
        rkey: '3m6bkl2222222',
        audience: 'staff',
        record: {
          internalNotes: 'Called twice, nobody there.',
          metadata: [{ name: 'legacyId', value: '4711' }],
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      NameTwice: {
        rkey: '3m6bkl2222222',
        audience: 'staff',
        record: {
          metadata: [
            { name: 'a', value: '1' },
            { name: 'a', value: '2' },
          ],
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    },
  },
})
