import { co } from '../../../lexicons/index.ts'
import {
  collection,
  did,
  instant,
  part,
  record as recordColumn,
  text,
  timestamp,
} from '../../define.ts'

type Entry = co.kendev.booking.waitlistEntry.Main

const VENUE = 'at://did:plc:alice/co.kendev.enterprise.venue/3jzfcijpj2z2a'

/** Somebody who waits for a start of a service to become free (`domain.md` §12.1). */
export const waitlistEntry = collection({
  record: co.kendev.booking.waitlistEntry,
  table: 'waitlistEntry',
  columns: {
    venue: recordColumn(),
    serviceId: text(),
    attendee: did().optional(),
    status: text(),
    from: timestamp(),
    to: timestamp(),
    createdAt: timestamp(),
    content: part<Entry>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['venue', 'status', 'createdAt'],
  ],
  people: ['attendee'],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: {
    field: 'status',
    initial: ['waiting'],
    moves: [
      { from: ['waiting'], to: 'offered' },
      { from: ['waiting', 'offered'], to: 'booked' },
      { from: ['waiting', 'offered'], to: 'left' },
      { from: ['waiting', 'offered'], to: 'expired' },
    ],
  },

  accept: ({ record }) => (record.to > record.from ? undefined : 'EndsBeforeStart'),

  row: ({ record, claimed }) => ({
    venue: record.venue,
    serviceId: record.serviceId,
    attendee: record.attendee ?? null,
    status: record.status ?? 'waiting',
    from: new Date(record.from),
    to: new Date(record.to),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (
    { content, ...row },
    look,
  ): Omit<co.kendev.booking.defs.WaitlistEntryView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    venue: row.venue,
    serviceId: row.serviceId,
    staff: content.staff,
    customer: content.customer,
    attendee: row.attendee ?? undefined,
    person: row.attendee ? look.person(row.attendee) : undefined,
    contact: content.contact,
    from: instant(row.from),
    to: instant(row.to),
    seats: content.seats,
    status: row.status,
    offeredAt: content.offeredAt,
    offeredStart: content.offeredStart,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getWaitlistEntry,
  lists: [
    {
      query: co.kendev.booking.listWaitlistEntries,
      newest: 'createdAt',
      where: { tenant: 'did', venue: 'venue', serviceId: 'serviceId', status: 'status' },
    },
  ],
  examples: {
    good: [{ audience: 'customer', record: waits('2026-12-04T00:00:00Z') }],
    bad: {
      EndsBeforeStart: { audience: 'customer', record: waits('2026-12-01T00:00:00Z') },
    },
  },
})

function waits(
  to: `${string}-${string}-${string}T${string}:${string}:${string}Z`,
): Omit<Entry, '$type'> {
  return {
    venue: VENUE,
    serviceId: 'install',
    attendee: 'did:plc:grace',
    from: '2026-12-01T00:00:00Z',
    to,
    createdAt: '2026-11-23T10:00:00Z',
  }
}
