import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'

type Entry = co.kendev.commerce.ledgerEntry.Main

/** What happened to money of a tenant. Accounts are the sums of their postings; nothing is
 *  edited. */
export const ledgerEntry = collection({
  record: co.kendev.commerce.ledgerEntry,
  table: 'ledgerEntry',
  columns: {
    kind: text(),
    order: record().optional(),
    currency: text(),
    createdAt: timestamp(),
    content: part<Entry>(),
  },
  indexes: [['did', 'createdAt'], ['order']],
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept({ record: entry }) {
    if (!isCurrency(entry.currency)) return 'UnknownCurrency'
    const sum = entry.postings.reduce((all, { amount }) => all + amount, 0)
    return sum === 0 && entry.postings.length > 1 ? undefined : 'NotBalanced'
  },

  row: ({ record: entry, claimed }) => ({
    kind: entry.kind,
    order: entry.order ?? null,
    currency: entry.currency,
    createdAt: claimed(entry.createdAt),
    content: entry,
  }),

  view: ({ content, ...row }): co.kendev.commerce.defs.LedgerEntryView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    kind: row.kind,
    order: row.order ?? undefined,
    payout: content.payout,
    currency: row.currency,
    baseKind: content.baseKind,
    ruleVersion: content.ruleVersion,
    postings: content.postings,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getLedgerEntry,
  lists: [
    {
      query: co.kendev.commerce.listLedgerEntries,
      newest: 'createdAt',
      where: {
        tenant: 'did',
        order: 'order',
        kind: 'kind',
        currency: 'currency',
        since: ['>=', 'createdAt'],
        until: ['<', 'createdAt'],
      },
    },
  ],
  examples: {
    good: [{ audience: 'managers', record: booked([100, -100]) }],
    bad: {
      UnknownCurrency: {
        audience: 'managers',
        record: { ...booked([100, -100]), currency: 'XYZ' },
      },
      NotBalanced: { audience: 'managers', record: booked([100, -99]) },
    },
  },
})

function booked([came = 0, owed = 0]: number[]): Omit<Entry, '$type'> {
  return {
    kind: 'capture',
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    currency: 'EUR',
    baseKind: 'net_of_tax',
    ruleVersion: '2026-1',
    postings: [
      { account: 'customerClearing', amount: came },
      { account: 'platformOperations', amount: owed },
    ],
    createdAt: '2026-11-23T10:00:00Z',
  }
}
