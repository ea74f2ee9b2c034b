import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import {
  collection,
  count,
  did,
  instant,
  integer,
  newest,
  part,
  text,
  timestamp,
} from '../../define.ts'
import { parseAudience } from '../../../permissioned/audience.ts'
import { channelAudience, isWithin } from './channel-access.ts'

/** A part of a space with messages of its own. Only the space's own repo makes channels. */
export const channel = collection({
  record: co.kendev.spaces.channel,
  table: 'channel',
  columns: {
    space: did(),
    name: text(),
    position: integer(),
    createdAt: timestamp(),
    content: part<co.kendev.spaces.channel.Main>(),
  },
  derived: {
    messageCount: count({
      source: 'message',
      on: { channel: 'uri' },
      where: { admitted: true, retired: false },
    }),
    lastMessageAt: newest(timestamp(), {
      source: 'message',
      on: { channel: 'uri' },
      where: { admitted: true, retired: false },
      value: 'sentAt',
      by: 'sentAt',
    }),
  },
  indexes: [['space', 'createdAt']],
  feed: 'space',
  access: { places: 'either', manage: 'create_channels', channel: { column: 'uri' } },

  accept({ record, did, place }) {
    if (record.space !== did) return 'NotTheSpacesOwn'
    if (SECRET.test(record.feedConfiguration?.feedSource ?? '')) return 'SecretInSource'
    const widest = channelAudience(record.accessControl ?? {})
    return isWithin(parseAudience(place)?.audience, widest) ? undefined : 'TooManyReaders'
  },

  row: ({ record, claimed }) => ({
    space: record.space,
    name: record.name,
    position: record.position ?? 0,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row): co.kendev.spaces.defs.ChannelView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.space,
    audience: parseAudience(row.place)?.audience,
    name: row.name,
    description: row.content.description,
    channelType: row.content.channelType,
    reportType: row.content.reportType,
    position: row.position,
    feedConfiguration: row.content.feedConfiguration,
    guardianAngel: row.content.guardianAngel,
    guardianAngelSettings: row.content.guardianAngelSettings,
    intelligenceSettings: row.content.intelligenceSettings,
    businessContext: row.content.businessContext,
    dataRetention: row.content.dataRetention,
    accessControl: row.content.accessControl,
    createdAt: instant(row.createdAt),
    updatedAt: row.content.updatedAt,
    messageCount: row.messageCount,
    lastMessageAt: row.lastMessageAt ? instant(row.lastMessageAt) : undefined,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getChannel,
  lists: [{ query: co.kendev.spaces.listChannels, newest: 'createdAt', where: { space: 'space' } }],
  examples: {
    good: [
      { record: general('did:plc:alice') },
      {
        record: {
          ...general('did:plc:alice'),
          channelType: 'monitoring',
          reportType: 'equipment_status',
          feedConfiguration: {
            feedSource: 'https://meters.example/pump',
            refreshInterval: 900,
            dataFormat: 'text/csv',
          },
        },
      },
      { audience: 'staff', record: general('did:plc:alice') },
      {
        audience: 'members',
        record: { ...general('did:plc:alice'), accessControl: { visibility: 'private' } },
      },
    ],
    bad: {
      NotTheSpacesOwn: { record: general('did:plc:bob') },
      SecretInSource: {
        record: {
          ...general('did:plc:alice'),
          feedConfiguration: { feedSource: 'https://ada:secret@meters.example/' },
        },
      },
      TooManyReaders: {
        audience: 'members',
        record: { ...general('did:plc:alice'), accessControl: { visibility: 'restricted' } },
      },
    },
  },
})

/** An address with a password in it, which whoever reads the channel could use. */
const SECRET = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i

function general(space: l.DidString) {
  return { space, name: 'general', createdAt: '2026-11-23T10:00:00Z' } as const
}
