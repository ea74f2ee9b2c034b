import { co } from '../../../lexicons/index.ts'
import {
  collection,
  exists,
  instant,
  integer,
  part,
  record as recordColumn,
  text,
  timestamp,
} from '../../define.ts'
import { readReference } from '../../reference.ts'

type Report = co.kendev.spaces.channelReport.Main

/** What was collected in a channel, in an orderly form. Its alerts name thresholds that the staff
 *  set (`channel-rules.ts`), so it is for the staff as well. */
export const channelReport = collection({
  record: co.kendev.spaces.channelReport,
  table: 'channelReport',
  columns: {
    channel: recordColumn(),
    reportType: text(),
    status: text(),
    processingTime: integer().optional(),
    processedAt: timestamp(),
    createdAt: timestamp(),
    content: part<Report>(),
  },
  derived: {
    archived: exists({
      source: 'retirement',
      on: { entry: 'uri', did: 'did' },
      where: { state: 'archived' },
    }),
  },
  indexes: [
    ['did', 'createdAt'],
    ['channel', 'createdAt'],
    ['channel', 'processedAt'],
  ],
  access: {
    places: 'permissioned',
    audience: 'staff',
    manage: 'moderate_content',
    channel: { column: 'channel' },
  },

  accept({ record, did }) {
    const channel = readReference(record.channel)
    if (channel?.collection !== co.kendev.spaces.channel.$type || channel.author !== did)
      return 'ChannelOfAnotherSpace'
    return undefined
  },

  row: ({ record, claimed }) => ({
    channel: record.channel,
    reportType: record.reportType ?? 'general',
    status: record.status ?? 'submitted',
    processingTime: record.processingTime ?? null,
    processedAt: claimed(record.processedAt ?? record.createdAt),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.spaces.defs.ChannelReportView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    channel: content.channel,
    reportType: row.reportType,
    title: content.title,
    summary: content.summary,
    figures: content.figures,
    alerts: content.alerts,
    sources: content.sources,
    status: row.status,
    processingTime: content.processingTime,
    processedAt: instant(row.processedAt),
    archived: row.archived,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getChannelReport,
  lists: [
    {
      query: co.kendev.spaces.listChannelReports,
      newest: 'createdAt',
      where: {
        space: 'did',
        channel: 'channel',
        reportType: 'reportType',
        status: 'status',
        archived: 'archived',
      },
    },
  ],
  examples: {
    good: [
      {
        audience: 'staff',
        record: report('did:plc:alice', {
          reportType: 'mileage_log',
          figures: [{ name: 'litres', amount: 945, unit: 'l', scale: 1 }],
          alerts: [{ threshold: 'thirsty', figure: 'litres', level: 'warning' }],
          processingTime: 1200,
          processedAt: '2026-11-23T09:59:00Z',
        }),
      },
      { audience: 'staff', record: report('did:plc:alice', { status: 'corrected' }) },
    ],
    bad: {
      ChannelOfAnotherSpace: { audience: 'staff', record: report('did:plc:bob', {}) },
    },
  },
})

function report(space: string, content: Partial<Report>): Omit<Report, '$type'> {
  const channel = `at://${space}/${co.kendev.spaces.channel.$type}/3jzfcijpj2z2a`
  return { channel, title: 'November', createdAt: '2026-11-23T10:00:00Z', ...content }
}
