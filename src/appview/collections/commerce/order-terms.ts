import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record, text, timestamp } from '../../define.ts'

type Terms = co.kendev.commerce.orderTerms.Main

/** How the revenue of an order is shared. It stands apart from the order, which its customer reads,
 *  and from what the staff notes. */
export const orderTerms = collection({
  record: co.kendev.commerce.orderTerms,
  table: 'orderTerms',
  columns: {
    order: record(),
    source: text().optional(),
    createdAt: timestamp(),
    content: part<Terms>(),
  },
  indexes: [['order']],
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept({ record: terms, rkey }) {
    if (!terms.order.endsWith(`/${rkey}`)) return 'KeyIsNotOrder'
    if (terms.baseKind === 'platform_fee' && !terms.fee) return 'FeeMissing'
    return undefined
  },

  row: ({ record: terms, claimed }) => ({
    order: terms.order,
    source: terms.source ?? null,
    createdAt: claimed(terms.createdAt),
    content: terms,
  }),

  view: ({ content, ...row }): co.kendev.commerce.defs.OrderTermsView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    order: row.order,
    source: row.source ?? undefined,
    baseKind: content.baseKind,
    ruleVersion: content.ruleVersion,
    fee: content.fee,
    commissions: content.commissions,
    projected: content.projected,
    providerFees: content.providerFees,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getOrderTerms,
  examples: {
    good: [
      { rkey: '3m6bkl2222222', audience: 'managers', record: shared({}) },
      {
        rkey: '3m6bkl2222224',
        audience: 'managers',
        record: shared({
          order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222224',
          baseKind: 'platform_fee',
          fee: { part: 1_500, whole: 10_000, rule: 'negotiated' },
          commissions: [
            { party: 'did:plc:ben', line: 'a', amount: 80, rateBp: 800, rule: 'template' },
          ],
          providerFees: [{ payment: '3m6bkl2222223', amount: 29 }],
        }),
      },
    ],
    bad: {
      KeyIsNotOrder: { rkey: '3m6bkl2222229', audience: 'managers', record: shared({}) },
      FeeMissing: {
        rkey: '3m6bkl2222222',
        audience: 'managers',
        record: shared({ baseKind: 'platform_fee' }),
      },
    },
  },
})

function shared(more: Partial<Terms>): Omit<Terms, '$type'> {
  return {
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    source: 'system_generated',
    baseKind: 'net_of_tax',
    ruleVersion: '2026-1',
    commissions: [],
    projected: {
      base: 1_000,
      aiPartner: 150,
      humanPartner: 300,
      platformOperations: 500,
      justiceFund: 50,
    },
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
