import { co } from '../../../lexicons/index.ts'
import {
  collection,
  did,
  instant,
  integer,
  part,
  record as recordColumn,
  text,
  timestamp,
} from '../../define.ts'

type Rsvp = co.kendev.enterprise.rsvp.Main

const EVENT = 'at://did:plc:alice/co.kendev.enterprise.event/3jzfcijpj2z2a'
const KEY = 'customer-aaaaaaaaaaaaaaaaaaaaaaaaaa'

/** Somebody's answer to an event, in the tenant's word: a place is taken when the tenant says so
 *  (`domain.md` SM-05). One for each event and customer. */
export const rsvp = collection({
  record: co.kendev.enterprise.rsvp,
  table: 'rsvp',
  columns: {
    event: recordColumn(),
    attendee: did().optional(),
    status: text(),
    seats: integer(),
    waitingSince: timestamp().optional(),
    createdAt: timestamp(),
    content: part<Rsvp>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['event', 'status', 'createdAt'],
    ['attendee', 'createdAt'],
  ],
  people: ['attendee'],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: {
    field: 'status',
    initial: ['going', 'maybe', 'declined', 'waitlisted'],
    moves: [
      { from: ['maybe', 'declined', 'waitlisted', 'checked_in'], to: 'going' },
      { from: ['going', 'declined', 'waitlisted'], to: 'maybe' },
      { from: ['going', 'maybe', 'waitlisted'], to: 'declined' },
      { from: ['maybe', 'declined'], to: 'waitlisted' },
      { from: ['going', 'no_show'], to: 'checked_in' },
      { from: ['going'], to: 'no_show' },
    ],
  },

  accept({ record, rkey, place }) {
    const customer = place.split('/').at(-1)
    return rkey === `${record.event.split('/').at(-1)}:${customer}` ? undefined : 'KeyIsNotAnswer'
  },

  row: ({ record, claimed }) => ({
    event: record.event,
    attendee: record.attendee ?? null,
    status: record.status,
    seats: record.seats ?? 1,
    waitingSince: record.waitingSince === undefined ? null : claimed(record.waitingSince),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): Omit<co.kendev.enterprise.defs.RsvpView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    event: row.event,
    attendee: row.attendee ?? undefined,
    person: row.attendee ? look.person(row.attendee) : undefined,
    contact: content.contact,
    customer: row.place.split('/').at(-1),
    status: row.status,
    seats: row.seats,
    note: content.note,
    waitingSince: content.waitingSince,
    promotedAt: content.promotedAt,
    checkedInAt: content.checkedInAt,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getRsvp,
  lists: [
    {
      query: co.kendev.enterprise.listRsvps,
      newest: 'createdAt',
      where: { tenant: 'did', event: 'event', status: 'status' },
    },
  ],
  examples: {
    good: [{ rkey: `3jzfcijpj2z2a:${KEY}`, audience: 'customer', record: answer('did:plc:grace') }],
    bad: {
      KeyIsNotAnswer: { rkey: 'self', audience: 'customer', record: answer('did:plc:grace') },
    },
  },
})

function answer(attendee: `did:${string}:${string}`) {
  return {
    event: EVENT,
    attendee,
    status: 'going',
    seats: 2,
    createdAt: '2026-11-23T10:00:00Z',
  } as const
}
