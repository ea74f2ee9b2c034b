import { co } from '../../../lexicons/index.ts'
import { isLocalTime, isZone } from '../../booking/local-time.ts'
import {
  collection,
  did,
  instant,
  part,
  record as recordColumn,
  tally,
  text,
  timestamp,
} from '../../define.ts'

type Appointment = co.kendev.booking.appointment.Main

/** An appointment, before the customer it is for and the staff. Who of the staff does it and how
 *  long is kept clear around it stand with the staff, where it came from with the managers
 *  (`domain.md` §3.4, SM-04). */
export const appointment = collection({
  record: co.kendev.booking.appointment,
  table: 'appointment',
  columns: {
    organizer: did(),
    venue: recordColumn().optional(),
    series: recordColumn().optional(),
    customer: text().optional(),
    status: text(),
    startTime: timestamp(),
    endTime: timestamp(),
    content: part<Appointment>(),
  },
  derived: {
    ratings: tally({
      source: 'feedback',
      on: { appointment: 'uri' },
      value: 'rating',
      once: 'rater',
    }),
  },
  indexes: [
    ['did', 'startTime'],
    ['venue', 'startTime'],
    ['series', 'startTime'],
    ['organizer', 'startTime'],
  ],
  people: ['organizer'],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },
  machine: {
    field: 'status',
    initial: ['scheduled', 'confirmed'],
    moves: [
      { from: ['scheduled'], to: 'confirmed' },
      { from: ['scheduled', 'confirmed'], to: 'cancelled' },
      { from: ['confirmed', 'no_show'], to: 'completed' },
      { from: ['confirmed', 'completed'], to: 'no_show' },
    ],
  },

  accept({ record }) {
    if (!isZone(record.timezone)) return 'BadZone'
    if (record.localStart !== undefined && !isLocalTime(record.localStart)) return 'BadTime'
    return record.endTime > record.startTime ? undefined : 'EndsBeforeStart'
  },

  row: ({ record }) => ({
    organizer: record.organizer,
    venue: record.venue ?? null,
    series: record.series ?? null,
    customer: record.customer ?? null,
    status: record.status,
    startTime: new Date(record.startTime),
    endTime: new Date(record.endTime),
    content: record,
  }),

  view: (
    { content, ...row },
    look,
  ): Omit<co.kendev.booking.defs.AppointmentView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    title: content.title,
    description: content.description,
    organizer: row.organizer,
    person: look.person(row.organizer),
    attendees: content.attendees,
    contact: content.contact,
    customer: row.customer ?? undefined,
    space: content.space,
    venue: row.venue ?? undefined,
    service: content.service,
    location: content.location,
    bayAssignment: content.bayAssignment,
    startTime: instant(row.startTime),
    endTime: instant(row.endTime),
    localStart: content.localStart,
    timezone: content.timezone,
    series: row.series ?? undefined,
    instance: content.instance,
    meetingType: content.meetingType,
    meetingLink: content.meetingLink,
    appointmentType: content.appointmentType,
    bookingSettings: content.bookingSettings,
    emergency: content.emergency,
    seats: content.seats,
    status: row.status,
    statusReason: content.statusReason,
    notes: content.notes,
    payment: content.payment,
    settlement: content.settlement,
    sequence: content.sequence,
    history: content.history,
    checkedInAt: content.checkedInAt,
    remindersSent: content.remindersSent,
    attendeeRating: mean(row.ratings),
    createdAt: content.createdAt,
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getAppointment,
  lists: [
    {
      query: co.kendev.booking.listAppointments,
      newest: 'startTime',
      where: {
        tenant: 'did',
        venue: 'venue',
        customer: 'customer',
        organizer: 'organizer',
        series: 'series',
        status: 'status',
        startsAfter: ['>=', 'startTime'],
        startsBefore: ['<', 'startTime'],
      },
    },
  ],
  examples: {
    good: [
      {
        audience: 'customer',
        record: install({
          attendees: ['did:plc:grace'],
          venue: 'at://did:plc:alice/co.kendev.enterprise.venue/3jzfcijpj2z2a',
          service: {
            serviceId: 'install',
            serviceName: 'Installation',
            duration: 90,
            price: { amount: 12_000, currency: 'USD' },
          },
          bayAssignment: { assignedBay: 'one', bayRequired: true },
          payment: { required: true, amount: { amount: 3_000, currency: 'USD' } },
          history: [{ at: '2026-11-23T10:00:00Z', action: 'booked', by: 'customer' }],
        }),
      },
      {
        audience: 'customer',
        record: install({ status: 'confirmed', contact: { name: 'Grace', email: 'g@e.example' } }),
      },
    ],
    bad: {
      BadZone: { audience: 'customer', record: install({ timezone: 'Mars/Olympus' }) },
      BadTime: { audience: 'customer', record: install({ localStart: '2026-02-30T09:00' }) },
      EndsBeforeStart: {
        audience: 'customer',
        record: install({ endTime: '2026-11-30T15:00:00Z' }),
      },
    },
  },
})

/** The mean of what was given, in hundredths (`domain.md` D-65); nothing while nobody gave any. */
function mean(ratings: Readonly<Record<string, number>> | null): number | undefined {
  const given = Object.entries(ratings ?? {})
  const count = given.reduce((sum, [, n]) => sum + n, 0)
  if (count === 0) return undefined
  return Math.round((given.reduce((sum, [stars, n]) => sum + Number(stars) * n, 0) * 100) / count)
}

function install(content: Partial<Appointment>): Omit<Appointment, '$type'> {
  return {
    title: 'Installation',
    organizer: 'did:plc:alice',
    startTime: '2026-11-30T15:00:00Z',
    endTime: '2026-11-30T16:30:00Z',
    timezone: 'America/New_York',
    status: 'scheduled',
    sequence: 0,
    createdAt: '2026-11-23T10:00:00Z',
    ...content,
  }
}
