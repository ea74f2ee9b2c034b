import { co } from '../../../lexicons/index.ts'
import { readableRecurrence } from '../../booking/recurrence.ts'
import { collection, instant, part, record as recordColumn, text, timestamp } from '../../define.ts'

type Series = co.kendev.booking.series.Main

const VENUE = 'at://did:plc:alice/co.kendev.enterprise.venue/3jzfcijpj2z2a'

/** Appointments that repeat by a rule of RFC 5545, on the wall clock of the venue (`domain.md`
 *  11.2, R-13). Each instance is an appointment; this says what they have in common. */
export const series = collection({
  record: co.kendev.booking.series,
  table: 'series',
  columns: {
    venue: recordColumn(),
    customer: text().optional(),
    status: text(),
    createdAt: timestamp(),
    content: part<Series>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['venue', 'createdAt'],
  ],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },

  accept: ({ record }) => (readableRecurrence(record) ? undefined : 'BadRule'),

  row: ({ record, claimed }) => ({
    venue: record.venue,
    customer: record.customer ?? null,
    status: record.status ?? 'active',
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.booking.defs.SeriesView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    title: content.title,
    venue: row.venue,
    serviceId: content.serviceId,
    customer: row.customer ?? undefined,
    localStart: content.localStart,
    timezone: content.timezone,
    rrule: content.rrule,
    exDates: content.exDates,
    rDates: content.rDates,
    recurrence: content.recurrence,
    relatedTo: content.relatedTo,
    skipped: content.skipped,
    status: row.status,
    sequence: content.sequence,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getSeries,
  lists: [
    {
      query: co.kendev.booking.listSeries,
      newest: 'createdAt',
      where: { tenant: 'did', venue: 'venue', customer: 'customer', status: 'status' },
    },
  ],
  examples: {
    good: [
      {
        audience: 'customer',
        record: weekly({
          rrule: 'FREQ=WEEKLY;COUNT=6',
          exDates: ['2026-11-23T09:00'],
          recurrence: { enabled: true, type: 'weekly' },
        }),
      },
    ],
    bad: { BadRule: { audience: 'customer', record: weekly({ rrule: 'FREQ=SECONDLY' }) } },
  },
})

function weekly(content: Partial<Series>): Omit<Series, '$type'> {
  return {
    venue: VENUE,
    serviceId: 'wash',
    localStart: '2026-10-26T09:00',
    timezone: 'America/New_York',
    rrule: 'FREQ=WEEKLY',
    createdAt: '2026-10-20T10:00:00Z',
    ...content,
  }
}
