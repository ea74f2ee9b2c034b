import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, timestamp } from '../../define.ts'

/** The space of the examples. */
const KEY = 'customer-aaaaaaaaaaaaaaaaaaaaaaaaaa'

/** Whose space a customer's space is. It is how other nodes know who reads there, so it stands in
 *  every such space, and is written with the first thing that does. */
export const customer = collection({
  record: co.kendev.commerce.customer,
  table: 'customer',
  columns: {
    subject: did().optional(),
    createdAt: timestamp(),
    content: part<co.kendev.commerce.customer.Main>(),
  },
  indexes: [['did', 'createdAt'], ['subject']],
  people: ['subject'],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },

  accept: ({ place, rkey }) => (place.endsWith(`/${rkey}`) ? undefined : 'KeyIsNotSpace'),

  row: ({ record, claimed }) => ({
    subject: record.subject ?? null,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.commerce.defs.CustomerView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    key: row.place.split('/').at(-1)!,
    subject: row.subject ?? undefined,
    profile: row.subject ? look.person(row.subject) : undefined,
    name: content.name,
    email: content.email,
    phone: content.phone,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getCustomer,
  lists: [
    {
      query: co.kendev.commerce.listCustomers,
      newest: 'createdAt',
      where: { tenant: 'did', subject: 'subject' },
    },
  ],
  examples: {
    good: [
      {
        rkey: KEY,
        audience: 'customer',
        record: {
          subject: 'did:plc:grace',
          name: 'Grace',
          email: 'grace@example.com',
          phone: '+1 555 0100',
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      KeyIsNotSpace: {
        rkey: 'self',
        audience: 'customer',
        record: { subject: 'did:plc:ben', createdAt: '2026-11-23T10:00:00Z' },
      },
    },
  },
})
