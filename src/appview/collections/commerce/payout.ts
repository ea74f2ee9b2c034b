import { co } from '../../../lexicons/index.ts'
import { payoutMachine } from '../../commerce/order-machines.ts'
import { collection, did, instant, part, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'

type Payout = co.kendev.commerce.payout.Main

/** What a party is paid of its share. */
export const payout = collection({
  record: co.kendev.commerce.payout,
  table: 'payout',
  columns: {
    account: text(),
    party: did().optional(),
    currency: text(),
    status: text(),
    createdAt: timestamp(),
    content: part<Payout>(),
  },
  indexes: [['did', 'createdAt']],
  people: ['party'],
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },
  machine: payoutMachine,

  accept({ record }) {
    if (!isCurrency(record.currency)) return 'UnknownCurrency'
    return record.account === 'commission' && !record.party ? 'PartyMissing' : undefined
  },

  row: ({ record, claimed }) => ({
    account: record.account,
    party: record.party ?? null,
    currency: record.currency,
    status: record.status,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): Omit<co.kendev.commerce.defs.PayoutView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    account: row.account,
    party: row.party ?? undefined,
    profile: row.party ? look.person(row.party) : undefined,
    amount: content.amount,
    currency: row.currency,
    periodStart: content.periodStart,
    periodEnd: content.periodEnd,
    status: row.status,
    reference: content.reference,
    createdAt: instant(row.createdAt),
    paidAt: content.paidAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getPayout,
  lists: [
    {
      query: co.kendev.commerce.listPayouts,
      newest: 'createdAt',
      where: { tenant: 'did', account: 'account', party: 'party', status: 'status' },
    },
  ],
  examples: {
    good: [
      { audience: 'managers', record: earned({}) },
      { audience: 'managers', record: earned({ account: 'commission', party: 'did:plc:ben' }) },
    ],
    bad: {
      UnknownCurrency: { audience: 'managers', record: earned({ currency: 'XYZ' }) },
      PartyMissing: { audience: 'managers', record: earned({ account: 'commission' }) },
    },
  },
})

function earned(more: Partial<Payout>): Omit<Payout, '$type'> {
  return {
    account: 'justiceFund',
    amount: 500,
    currency: 'EUR',
    status: 'pending',
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
