import { co } from '../../../lexicons/index.ts'
import { blobOf } from '../../blob.ts'
import { collection, instant, list, part, timestamp } from '../../define.ts'
import { recordUri } from '../../reference.ts'

type Supply = co.kendev.commerce.productSupply.Main

/** What the staff knows of a product, under its key. The files are the goods, so they are in no
 *  record that others read; buyers get them by links of their own. */
export const productSupply = collection({
  record: co.kendev.commerce.productSupply,
  table: 'productSupply',
  columns: { files: list(), createdAt: timestamp(), content: part<Supply>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record: { digitalAssets = [] } }) {
    const files = digitalAssets.map(({ file }) => blobOf(file).cid)
    return new Set(files).size === files.length ? undefined : 'FileTwice'
  },

  row: ({ record, claimed }) => ({
    files: (record.digitalAssets ?? []).map(({ file }) => blobOf(file).cid),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.commerce.defs.ProductSupplyView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    product: recordUri(row.did, co.kendev.commerce.product.$type, row.rkey),
    lowStockThreshold: content.lowStockThreshold,
    leadTimeDays: content.leadTimeDays,
    digitalAssets: content.digitalAssets,
    downloadLimit: content.downloadLimit,
    downloadDays: content.downloadDays,
    notes: content.notes,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getProductSupply,
  examples: {
    good: [
      {
        audience: 'staff',
        record: {
          lowStockThreshold: 5,
          leadTimeDays: 10,
          notes: 'Ask for the blue ones.',
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
  },
})
