import { co } from '../../../lexicons/index.ts'
import { readableHours } from '../../booking/opening-hours.ts'
import {
  collection,
  did,
  flag,
  instant,
  part,
  record as recordColumn,
  timestamp,
} from '../../define.ts'

type VenueStaff = co.kendev.enterprise.venueStaff.Main

const VENUE = 'at://did:plc:alice/co.kendev.enterprise.venue/3jzfcijpj2z2a'

/** Somebody who works at a venue, one record for each. It stands with the staff: who works where is
 *  not everybody's business unless the venue shows it (`domain.md` §1.2). */
export const venueStaff = collection({
  record: co.kendev.enterprise.venueStaff,
  table: 'venueStaff',
  columns: {
    venue: recordColumn(),
    user: did(),
    isActive: flag(),
    createdAt: timestamp(),
    content: part<VenueStaff>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['venue', 'user'],
  ],
  people: ['user'],
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record, rkey }) {
    if (rkey !== `${record.venue.split('/').at(-1)}:${record.user}`) return 'KeyIsNotPerson'
    return record.hours === undefined || readableHours(record.hours) ? undefined : 'BadHours'
  },

  row: ({ record, claimed }) => ({
    venue: record.venue,
    user: record.user,
    isActive: record.isActive ?? true,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.enterprise.defs.VenueStaffView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    venue: row.venue,
    user: row.user,
    person: look.person(row.user),
    displayName: content.displayName,
    role: content.role,
    title: content.title,
    specialties: content.specialties,
    workStation: content.workStation,
    hours: content.hours,
    dailyMax: content.dailyMax,
    freelanceSettings: content.freelanceSettings,
    isShown: content.isShown,
    isActive: row.isActive,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getVenueStaff,
  lists: [
    {
      query: co.kendev.enterprise.listVenueStaff,
      newest: 'createdAt',
      where: { tenant: 'did', venue: 'venue', user: 'user' },
    },
  ],
  examples: {
    good: [
      {
        rkey: '3jzfcijpj2z2a:did:plc:ben',
        audience: 'staff',
        record: works({
          role: 'car_audio_installer',
          specialties: ['audio', 'tint'],
          workStation: { assignedBay: 'one', canFloatBays: true, primaryBay: true },
          hours: { schedule: [{ dayOfWeek: 'monday', openTime: '10:00', closeTime: '16:00' }] },
          freelanceSettings: { canFreelance: true, freelanceCommissionRateBp: 1_000 },
        }),
      },
    ],
    bad: {
      KeyIsNotPerson: {
        rkey: '3jzfcijpj2z2a:did:plc:eve',
        audience: 'staff',
        record: works({}),
      },
      BadHours: {
        rkey: '3jzfcijpj2z2a:did:plc:ben',
        audience: 'staff',
        record: works({ hours: { schedule: [{ dayOfWeek: 'someday', isClosed: true }] } }),
      },
    },
  },
})

function works(content: Partial<VenueStaff>): Omit<VenueStaff, '$type'> {
  return { venue: VENUE, user: 'did:plc:ben', createdAt: '2026-11-23T10:00:00Z', ...content }
}
