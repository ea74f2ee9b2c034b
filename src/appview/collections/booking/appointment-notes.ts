import { co } from '../../../lexicons/index.ts'
import { collection, instant, list, part, record as recordColumn, timestamp } from '../../define.ts'

type Notes = co.kendev.booking.appointmentNotes.Main

const KEY = '3jzfcijpj2z2a'
const APPOINTMENT = `at://did:plc:alice/co.kendev.booking.appointment/${KEY}`

/** What the staff should know about an appointment and the customer should not (`domain.md` AC-12):
 *  who does it, what is kept clear around it, how it went. Under the key of the appointment. */
export const appointmentNotes = collection({
  record: co.kendev.booking.appointmentNotes,
  table: 'appointmentNotes',
  columns: {
    appointment: recordColumn(),
    staff: list(),
    updatedAt: timestamp(),
    content: part<Notes>(),
  },
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept: ({ record, rkey }) =>
    record.appointment.endsWith(`/${rkey}`) ? undefined : 'KeyIsNotAppointment',

  row: ({ record, claimed }) => ({
    appointment: record.appointment,
    staff: (record.staff ?? []).map(String),
    updatedAt: claimed(record.updatedAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.booking.defs.AppointmentNotesView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    appointment: row.appointment,
    staff: content.staff,
    bufferTime: content.bufferTime,
    notes: content.notes,
    organizerRating: content.organizerRating,
    organizerNotes: content.organizerNotes,
    followUpRequired: content.followUpRequired,
    heldBy: content.heldBy,
    updatedAt: instant(row.updatedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getAppointmentNotes,
  examples: {
    good: [
      {
        rkey: KEY,
        audience: 'staff',
        record: {
          appointment: APPOINTMENT,
          staff: ['did:plc:ben'],
          bufferTime: { before: 0, after: 15 },
          organizerRating: 5,
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      KeyIsNotAppointment: {
        rkey: '3jzfcijpj2z2b',
        audience: 'staff',
        record: { appointment: APPOINTMENT, updatedAt: '2026-11-23T10:00:00Z' },
      },
    },
  },
})
