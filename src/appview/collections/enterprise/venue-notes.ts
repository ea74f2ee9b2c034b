import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, timestamp } from '../../define.ts'

type VenueNotes = co.kendev.enterprise.venueNotes.Main

const KEY = '3jzfcijpj2z2a'
const VENUE = `at://did:plc:alice/co.kendev.enterprise.venue/${KEY}`

/** What the staff should know about a venue and the public should not: whom to call, what each bay
 *  has. Under the key of the venue. */
export const venueNotes = collection({
  record: co.kendev.enterprise.venueNotes,
  table: 'venueNotes',
  columns: { venue: recordColumn(), updatedAt: timestamp(), content: part<VenueNotes>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept: ({ record, rkey }) => (record.venue.endsWith(`/${rkey}`) ? undefined : 'KeyIsNotVenue'),

  row: ({ record, claimed }) => ({
    venue: record.venue,
    updatedAt: claimed(record.updatedAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.enterprise.defs.VenueNotesView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    venue: row.venue,
    emergencyContact: content.emergencyContact,
    afterHoursContact: content.afterHoursContact,
    notes: content.notes,
    bays: content.bays,
    updatedAt: instant(row.updatedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getVenueNotes,
  examples: {
    good: [
      {
        rkey: KEY,
        audience: 'staff',
        record: {
          venue: VENUE,
          emergencyContact: 'Ben, +1 518 555 0199',
          bays: [{ bayId: 'one', equipment: 'Lift', notes: 'Door sticks' }],
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      KeyIsNotVenue: {
        rkey: '3jzfcijpj2z2b',
        audience: 'staff',
        record: { venue: VENUE, updatedAt: '2026-11-23T10:00:00Z' },
      },
    },
  },
})
