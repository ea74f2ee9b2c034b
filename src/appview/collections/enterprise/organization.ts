import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, list, part, text, timestamp } from '../../define.ts'
import { isCountry, isEmail, isPhone } from './contact-details.ts'

type Organization = co.kendev.enterprise.organization.Main

/** A business that runs venues, as everybody may know it (`domain.md` R-10). */
export const organization = collection({
  record: co.kendev.enterprise.organization,
  table: 'organization',
  columns: {
    tenant: did().optional(),
    name: text(),
    description: text().optional(),
    organizationType: text().optional(),
    status: text(),
    media: list(),
    createdAt: timestamp(),
    content: part<Organization>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['tenant', 'createdAt'],
  ],
  search: ['name', 'description'],
  media: ['media'],
  access: { places: 'public', manage: 'manage_space' },

  accept({ record }) {
    const { primaryColor, secondaryColor } = record.branding ?? {}
    if (![primaryColor, secondaryColor].every((c) => c === undefined || isColor(c)))
      return 'BadColor'
    const { email, phone, address } = record.contactInfo ?? {}
    if (email !== undefined && !isEmail(email)) return 'BadEmail'
    if (phone !== undefined && !isPhone(phone)) return 'BadPhone'
    if (address && !isCountry(address.country)) return 'BadCountry'
    return undefined
  },

  row: ({ record, claimed }) => ({
    tenant: record.tenant ?? null,
    name: record.name,
    description: record.description ?? null,
    organizationType: record.organizationType ?? null,
    status: record.status ?? 'active',
    media: record.branding?.logo === undefined ? [] : [record.branding.logo],
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.enterprise.defs.OrganizationView => ({
    uri: row.uri,
    cid: row.cid,
    owner: row.did,
    tenant: row.tenant ?? undefined,
    name: row.name,
    description: row.description ?? undefined,
    organizationType: row.organizationType ?? undefined,
    industry: content.industry,
    website: content.website,
    contactInfo: content.contactInfo,
    branding: content.branding && {
      logo:
        content.branding.logo === undefined ? undefined : look.media(content.branding.logo)?.url,
      primaryColor: content.branding.primaryColor,
      secondaryColor: content.branding.secondaryColor,
    },
    status: row.status,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getOrganization,
  lists: [
    {
      query: co.kendev.enterprise.listOrganizations,
      newest: 'createdAt',
      where: {
        owner: 'did',
        tenant: 'tenant',
        organizationType: 'organizationType',
        status: 'status',
      },
    },
  ],
  examples: {
    good: [
      { record: garages({}) },
      {
        record: garages({
          tenant: 'did:plc:tenant',
          organizationType: 'franchise',
          industry: 'automotive',
          website: 'https://garage.example',
          contactInfo: {
            email: 'hello@garage.example',
            phone: '+49 30 1234567',
            address: { street: 'Hauptstraße 1', locality: 'Berlin', country: 'DE' },
          },
          branding: { primaryColor: '#00AAff' },
          status: 'pending',
        }),
      },
    ],
    bad: {
      BadColor: { record: garages({ branding: { primaryColor: 'crimson' } }) },
      BadEmail: { record: garages({ contactInfo: { email: 'at the desk' } }) },
      BadPhone: { record: garages({ contactInfo: { phone: '030 1234567' } }) },
      BadCountry: { record: garages({ contactInfo: { address: { country: 'Germany' } } }) },
    },
  },
})

function isColor(color: string): boolean {
  return /^#[0-9A-Fa-f]{6}$/.test(color)
}

function garages(content: Partial<Organization>): Omit<Organization, '$type'> {
  return { name: 'United Garages', createdAt: '2026-11-23T10:00:00Z', ...content }
}
