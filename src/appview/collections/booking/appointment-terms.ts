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

type Terms = co.kendev.booking.appointmentTerms.Main

const KEY = '3jzfcijpj2z2a'
const APPOINTMENT = `at://did:plc:alice/co.kendev.booking.appointment/${KEY}`

/** Where an appointment came from and what commission it brings (`domain.md` D-60, D-61), for
 *  managers only. Under the key of the appointment. */
export const appointmentTerms = collection({
  record: co.kendev.booking.appointmentTerms,
  table: 'appointmentTerms',
  columns: {
    appointment: recordColumn(),
    source: text(),
    performer: did().optional(),
    updatedAt: timestamp(),
    content: part<Terms>(),
  },
  indexes: [['did', 'updatedAt']],
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept: ({ record, rkey }) =>
    record.appointment.endsWith(`/${rkey}`) ? undefined : 'KeyIsNotAppointment',

  row: ({ record, claimed }) => ({
    appointment: record.appointment,
    source: record.source,
    performer: record.performer ?? null,
    updatedAt: claimed(record.updatedAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.booking.defs.AppointmentTermsView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    appointment: row.appointment,
    source: row.source,
    performer: row.performer ?? undefined,
    commissionRateBp: content.commissionRateBp,
    commissionAmount: content.commissionAmount,
    earnedAt: content.earnedAt,
    updatedAt: instant(row.updatedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getAppointmentTerms,
  lists: [
    {
      query: co.kendev.booking.listAppointmentTerms,
      newest: 'updatedAt',
      where: { tenant: 'did', source: 'source', performer: 'performer' },
    },
  ],
  examples: {
    good: [{ rkey: KEY, audience: 'managers', record: terms() }],
    bad: {
      KeyIsNotAppointment: { rkey: '3jzfcijpj2z2b', audience: 'managers', record: terms() },
    },
  },
})

function terms() {
  return {
    appointment: APPOINTMENT,
    source: 'referral_source',
    performer: 'did:plc:ben',
    commissionRateBp: 600,
    commissionAmount: { amount: 720, currency: 'USD' },
    earnedAt: '2026-11-30T17:00:00Z',
    updatedAt: '2026-11-30T17:00:00Z',
  } as const
}
