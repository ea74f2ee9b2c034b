import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'
import { recordUri } from '../../reference.ts'

type Terms = co.kendev.commerce.productTerms.Main

/** What others earn from sales of a product, under its key: a matter of those who manage. */
export const productTerms = collection({
  record: co.kendev.commerce.productTerms,
  table: 'productTerms',
  columns: { createdAt: timestamp(), content: part<Terms>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept({ record: { useCustomRate, customCommissionRate } }) {
    return useCustomRate && customCommissionRate === undefined ? 'RateMissing' : undefined
  },

  row: ({ record, claimed }) => ({ createdAt: claimed(record.createdAt), content: record }),

  view: ({ content, ...row }): co.kendev.commerce.defs.ProductTermsView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    product: recordUri(row.did, co.kendev.commerce.product.$type, row.rkey),
    useCustomRate: content.useCustomRate ?? false,
    customCommissionRate: content.customCommissionRate,
    sourceMultipliers: content.sourceMultipliers,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getProductTerms,
  examples: {
    good: [
      { audience: 'managers', record: terms({ useCustomRate: true, customCommissionRate: 1_000 }) },
      { audience: 'managers', record: terms({ sourceMultipliers: { pickupJob: 750 } }) },
    ],
    bad: { RateMissing: { audience: 'managers', record: terms({ useCustomRate: true }) } },
  },
})

function terms(content: Partial<Terms>): Omit<Terms, '$type'> {
  return { createdAt: '2026-11-23T10:00:00Z', ...content }
}
