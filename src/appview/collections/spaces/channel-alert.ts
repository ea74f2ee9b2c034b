import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, text, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

type Alert = co.kendev.spaces.channelAlert.Main

/** A limit that a figure of a report has passed (`channel-rules.ts`), and who sees to it. The
 *  thresholds are for the staff, so what passes them is as well. */
export const channelAlert = collection({
  record: co.kendev.spaces.channelAlert,
  table: 'channelAlert',
  columns: {
    channel: recordColumn(),
    report: recordColumn(),
    level: text(),
    state: text(),
    createdAt: timestamp(),
    content: part<Alert>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['channel', 'createdAt'],
  ],
  access: { places: 'permissioned', audience: 'staff', manage: 'moderate_content' },
  machine: {
    field: 'state',
    initial: ['open'],
    moves: [
      { from: ['open'], to: 'acknowledged' },
      { from: ['open', 'acknowledged'], to: 'resolved' },
    ],
  },

  accept({ record, did }) {
    const channel = readReference(record.channel)
    if (channel?.collection !== co.kendev.spaces.channel.$type || channel.author !== did)
      return 'ChannelOfAnotherSpace'
    const report = readReference(record.report)
    return report?.collection === co.kendev.spaces.channelReport.$type ? undefined : 'NoReport'
  },

  row: ({ record, claimed }) => ({
    channel: record.channel,
    report: record.report,
    level: record.level,
    state: record.state,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): Omit<co.kendev.spaces.defs.ChannelAlertView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    channel: content.channel,
    report: content.report,
    threshold: content.threshold,
    figure: content.figure,
    amount: content.amount,
    unit: content.unit,
    scale: content.scale,
    op: content.op,
    limit: content.limit,
    level: row.level,
    state: row.state,
    acknowledgedBy: content.acknowledgedBy,
    acknowledgedAt: content.acknowledgedAt,
    resolvedBy: content.resolvedBy,
    resolvedAt: content.resolvedAt,
    note: content.note,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getChannelAlert,
  lists: [
    {
      query: co.kendev.spaces.listChannelAlerts,
      newest: 'createdAt',
      where: { space: 'did', channel: 'channel', state: 'state', level: 'level' },
    },
  ],
  examples: {
    good: [{ audience: 'staff', record: alert({ amount: 945, scale: 1, op: '>', limit: 900 }) }],
    bad: {
      ChannelOfAnotherSpace: {
        audience: 'staff',
        record: alert({ channel: `at://did:plc:bob/${co.kendev.spaces.channel.$type}/3k` }),
      },
      NoReport: {
        audience: 'staff',
        record: alert({ report: `at://did:plc:alice/${co.kendev.spaces.channel.$type}/3k` }),
      },
    },
  },
})

function alert(content: Partial<Alert>): Omit<Alert, '$type'> {
  return {
    channel: `at://did:plc:alice/${co.kendev.spaces.channel.$type}/3jzfcijpj2z2a`,
    report: `at://did:plc:alice/${co.kendev.spaces.channelReport.$type}/3k`,
    threshold: 'thirsty',
    figure: 'litres',
    level: 'warning',
    state: 'open',
    createdAt: '2026-11-23T10:00:00Z',
    ...content,
  }
}
