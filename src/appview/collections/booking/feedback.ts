import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, text, timestamp } from '../../define.ts'

type Feedback = co.kendev.booking.feedback.Main

const KEY = '3jzfcijpj2z2a'
const APPOINTMENT = `at://did:plc:alice/co.kendev.booking.appointment/${KEY}`

/** What a customer says about an appointment, once; the mean of it shows there (`domain.md`
 *  D-65). */
export const feedback = collection({
  record: co.kendev.booking.feedback,
  table: 'feedback',
  columns: {
    appointment: recordColumn(),
    rater: text(),
    rating: text(),
    createdAt: timestamp(),
    content: part<Feedback>(),
  },
  indexes: [['did', 'createdAt'], ['appointment']],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },

  accept: ({ record, rkey }) =>
    record.appointment.endsWith(`/${rkey}`) ? undefined : 'KeyIsNotAppointment',

  row: ({ record, claimed }) => ({
    appointment: record.appointment,
    rater: record.rater ?? '',
    rating: String(record.rating),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.booking.defs.FeedbackView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    appointment: row.appointment,
    rater: content.rater,
    rating: content.rating,
    comment: content.comment,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getFeedback,
  lists: [
    {
      query: co.kendev.booking.listFeedback,
      newest: 'createdAt',
      where: { tenant: 'did', appointment: 'appointment' },
    },
  ],
  examples: {
    good: [{ rkey: KEY, audience: 'customer', record: says() }],
    bad: { KeyIsNotAppointment: { rkey: '3jzfcijpj2z2b', audience: 'customer', record: says() } },
  },
})

function says() {
  return {
    appointment: APPOINTMENT,
    rating: 4,
    comment: 'On time',
    createdAt: '2026-12-01T10:00:00Z',
  } as const
}
