import { co } from '../../../lexicons/index.ts'
import { eventSpan, readableEvent } from '../../booking/event-time.ts'
import { collection, instant, part, record as recordColumn, text, timestamp } from '../../define.ts'
import { isCurrency } from '../commerce/currency.ts'

type Event = co.kendev.enterprise.event.Main

/** Something people come to: in the public repo when everybody may know of it, else before the
 *  members of the tenant (`domain.md` AC-09). Its times are those of the wall clock there, from
 *  which the instants follow. */
export const event = collection({
  record: co.kendev.enterprise.event,
  table: 'event',
  columns: {
    title: text(),
    description: text().optional(),
    eventType: text(),
    status: text(),
    venue: recordColumn().optional(),
    startsAt: timestamp(),
    endsAt: timestamp(),
    content: part<Event>(),
  },
  indexes: [['did', 'startsAt'], ['startsAt']],
  search: ['title', 'description'],
  access: { places: 'either', of: 'tenant', audience: 'members' },
  machine: {
    field: 'status',
    initial: ['scheduled', 'confirmed'],
    moves: [
      { from: ['scheduled'], to: 'confirmed' },
      { from: ['scheduled', 'confirmed'], to: 'completed' },
      { from: ['scheduled', 'confirmed'], to: 'cancelled' },
    ],
  },

  accept({ record, place }) {
    if (place === '' && record.isPublic !== true) return 'NotPublic'
    if (!readableEvent(record)) return 'BadTime'
    const { price } = record
    return price === undefined || (price.amount >= 0 && isCurrency(price.currency))
      ? undefined
      : 'BadPrice'
  },

  row({ record }) {
    const { start, end } = eventSpan(record)
    return {
      title: record.title,
      description: record.description ?? null,
      eventType: record.eventType,
      status: record.status ?? 'scheduled',
      venue: record.venue ?? null,
      startsAt: new Date(start),
      endsAt: new Date(end),
      content: record,
    }
  },

  view: ({ content, ...row }): Omit<co.kendev.enterprise.defs.EventView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    title: row.title,
    description: row.description ?? undefined,
    eventType: row.eventType,
    eventDate: content.eventDate,
    startTime: content.startTime,
    endTime: content.endTime,
    endDate: content.endDate,
    timezone: content.timezone,
    startsAt: instant(row.startsAt),
    endsAt: instant(row.endsAt),
    venue: row.venue ?? undefined,
    location: content.location,
    isPublic: row.place === '',
    capacity: content.capacity,
    waitlist: content.waitlist,
    maxGuests: content.maxGuests,
    price: content.price,
    media: content.media,
    status: row.status,
    statusReason: content.statusReason,
    expectedAttendees: content.expectedAttendees,
    sequence: content.sequence,
    createdAt: content.createdAt,
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getEvent,
  lists: [
    {
      query: co.kendev.enterprise.listEvents,
      newest: 'startsAt',
      where: {
        tenant: 'did',
        venue: 'venue',
        eventType: 'eventType',
        status: 'status',
        startsAfter: ['>=', 'startsAt'],
        startsBefore: ['<', 'startsAt'],
        q: ['matches', 'search'],
      },
    },
  ],
  examples: {
    good: [
      {
        record: meetup({
          isPublic: true,
          startTime: '19:00',
          endTime: '01:00',
          capacity: 40,
          waitlist: true,
          price: { amount: 1_500, currency: 'USD' },
        }),
      },
      { audience: 'members', record: meetup({ eventType: 'training', endDate: '2026-12-06' }) },
    ],
    bad: {
      NotPublic: { record: meetup({}) },
      BadTime: { record: meetup({ isPublic: true, eventDate: '2026-02-30' }) },
      BadPrice: {
        record: meetup({ isPublic: true, price: { amount: -1, currency: 'USD' } }),
      },
    },
  },
})

function meetup(content: Partial<Event>): Omit<Event, '$type'> {
  return {
    title: 'Sound evening',
    eventType: 'meetup',
    eventDate: '2026-12-04',
    timezone: 'America/New_York',
    createdAt: '2026-11-23T10:00:00Z',
    ...content,
  }
}
