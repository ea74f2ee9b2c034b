import { co } from '../../../lexicons/index.ts'
import { collection, flag, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

type Rules = co.kendev.spaces.channelRules.Main

const KEY = '3jzfcijpj2z2a'

/** How a channel treats what flows in (`domain.md` R-29, D-25). It stands beside the channel under
 *  the same key, in a place that only the staff reads. */
export const channelRules = collection({
  record: co.kendev.spaces.channelRules,
  table: 'channelRules',
  columns: {
    channel: recordColumn(),
    legalHold: flag(),
    createdAt: timestamp(),
    content: part<Rules>(),
  },
  access: {
    places: 'permissioned',
    audience: 'staff',
    manage: 'create_channels',
    channel: { column: 'channel' },
  },

  accept({ record, did, rkey }) {
    const channel = readReference(record.channel)
    if (channel?.collection !== co.kendev.spaces.channel.$type || channel.author !== did)
      return 'ChannelOfAnotherSpace'
    if (channel.rkey !== rkey) return 'KeyIsNotChannel'
    const keys = record.alertThresholds?.map(({ key }) => key) ?? []
    return new Set(keys).size === keys.length ? undefined : 'ThresholdTwice'
  },

  row: ({ record, claimed }) => ({
    channel: record.channel,
    legalHold: record.legalHold ?? false,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.spaces.defs.ChannelRulesView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    channel: content.channel,
    processingRules: content.processingRules,
    alertThresholds: content.alertThresholds,
    escalationRules: content.escalationRules,
    legalHold: row.legalHold,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getChannelRules,
  examples: {
    good: [
      {
        rkey: KEY,
        audience: 'staff',
        record: rules({
          processingRules: [{ when: [{ field: 'litres', op: '<', number: 1 }], action: 'drop' }],
          alertThresholds: [{ key: 'thirsty', figure: 'litres', op: '>', limit: 90 }],
          escalationRules: [{ level: 'critical', afterMinutes: 30, role: 'owner' }],
          legalHold: true,
        }),
      },
    ],
    bad: {
      ChannelOfAnotherSpace: {
        rkey: KEY,
        audience: 'staff',
        record: rules({ channel: `at://did:plc:bob/${co.kendev.spaces.channel.$type}/${KEY}` }),
      },
      KeyIsNotChannel: { rkey: '3jzfcijpj2z2b', audience: 'staff', record: rules({}) },
      ThresholdTwice: {
        rkey: KEY,
        audience: 'staff',
        record: rules({
          alertThresholds: [
            { key: 'thirsty', figure: 'litres', op: '>', limit: 90 },
            { key: 'thirsty', figure: 'kilometres', op: '>', limit: 900 },
          ],
        }),
      },
    },
  },
})

function rules(content: Partial<Rules>): Omit<Rules, '$type'> {
  const channel = `at://did:plc:alice/${co.kendev.spaces.channel.$type}/${KEY}`
  return { channel, createdAt: '2026-11-23T10:00:00Z', ...content }
}
