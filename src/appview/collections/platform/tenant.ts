import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, text, timestamp } from '../../define.ts'

const COLOR = /^#[0-9A-Fa-f]{6}$/

/** A business as everybody may know it, in its own repo. How it is set up, what it may use and who
 *  works for it stands elsewhere, and counts from there only. */
export const tenant = collection({
  record: co.kendev.platform.tenant,
  table: 'tenant',
  columns: {
    name: text(),
    slug: text(),
    businessType: text(),
    logo: recordColumn().optional(),
    favicon: recordColumn().optional(),
    createdAt: timestamp(),
    content: part<co.kendev.platform.tenant.Main>(),
  },
  indexes: [['businessType', 'createdAt']],
  search: ['name'],
  people: ['did'],
  media: ['logo', 'favicon'],
  access: { places: 'public' },

  accept({ record: { slug, branding = {} } }) {
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])$/.test(slug)) return 'BadSlug'
    const { primaryColor, secondaryColor } = branding
    for (const color of [primaryColor, secondaryColor])
      if (color !== undefined && !COLOR.test(color)) return 'BadColor'
    return undefined
  },

  row: ({ record, claimed }) => ({
    name: record.name,
    slug: record.slug,
    businessType: record.businessType ?? 'other',
    logo: record.branding?.logo ?? null,
    favicon: record.branding?.favicon ?? null,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.platform.defs.TenantView => ({
    uri: row.uri,
    cid: row.cid,
    did: row.did,
    handle: look.person(row.did).handle,
    name: row.name,
    slug: row.slug,
    description: row.content.description,
    businessType: row.businessType,
    domain: row.content.domain,
    domainAliases: row.content.domainAliases,
    branding: row.content.branding,
    createdAt: instant(row.createdAt),
    updatedAt: row.content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getTenant,
  lists: [
    {
      query: co.kendev.platform.listTenants,
      newest: 'createdAt',
      where: { businessType: 'businessType' },
    },
  ],
  examples: {
    good: [
      {
        rkey: 'self',
        record: {
          name: 'Riverside Salon',
          slug: 'riverside-salon',
          businessType: 'salon',
          branding: { primaryColor: '#1A2B3C' },
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      BadSlug: {
        rkey: 'self',
        record: { name: 'X', slug: '-no-', createdAt: '2026-11-23T10:00:00Z' },
      },
      BadColor: {
        rkey: 'self',
        record: {
          name: 'X',
          slug: 'salon',
          branding: { secondaryColor: '#12345g' },
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    },
  },
})
