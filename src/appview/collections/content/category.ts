import { co } from '../../../lexicons/index.ts'
import { collection, instant, integer, part, text, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'
import { isSlug, slugFrom } from '../../slug.ts'

type Category = co.kendev.content.category.Main

/** A category without its place in the tree, which no record knows by itself. */
type BareCategory = Omit<co.kendev.content.defs.CategoryView, 'path' | 'depth'> & { slug: string }

/** A drawer for products or posts. `methods/content/read-categories.ts` answers for categories: it
 *  adds the path, which depends on all categories above. */
export const category = collection({
  record: co.kendev.content.category,
  table: 'category',
  columns: {
    name: text(),
    slug: text(),
    parent: text().optional(),
    kind: text().optional(),
    /** Higher comes first in lists; the record's `order` counts the other way. */
    rank: integer(),
    createdAt: timestamp(),
    content: part<Category>(),
  },
  indexes: [
    ['did', 'rank'],
    ['parent', 'rank'],
  ],
  access: { places: 'public', manage: 'manage_space' },

  accept({ record, uri, did }) {
    if (record.slug !== undefined && !isSlug(record.slug)) return 'BadSlug'
    if (record.parent === undefined) return undefined
    const parent = readReference(record.parent)
    const isOwn = parent?.collection === co.kendev.content.category.$type && parent.author === did
    return isOwn && record.parent !== uri ? undefined : 'BadParent'
  },

  row: ({ record, rkey, claimed }) => ({
    name: record.name,
    slug: record.slug ?? slugFrom(record.name, rkey),
    parent: record.parent ?? null,
    kind: record.kind ?? null,
    rank: -(record.order ?? 0),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): BareCategory => ({
    uri: row.uri,
    cid: row.cid,
    owner: row.did,
    name: row.name,
    slug: row.slug,
    description: content.description,
    parent: row.parent ?? undefined,
    order: content.order,
    image: content.image,
    kind: row.kind ?? undefined,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  examples: {
    good: [
      { record: drawer({ name: 'Tyres', kind: 'product', order: 2 }) },
      { record: drawer({ parent: 'at://did:plc:alice/co.kendev.content.category/3k' }) },
    ],
    bad: {
      BadSlug: { record: drawer({ slug: 'winter-tyres-' }) },
      BadParent: {
        record: drawer({ parent: 'at://did:plc:bob/co.kendev.content.category/3k' }),
      },
    },
  },
})

function drawer(content: Partial<Category>): Omit<Category, '$type'> {
  return { name: 'Winter tyres', createdAt: '2026-11-23T10:00:00Z', ...content }
}
