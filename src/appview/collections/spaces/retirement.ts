import { co } from '../../../lexicons/index.ts'
import { collection, instant, record as recordColumn, text, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

type Retirement = co.kendev.spaces.retirement.Main

/** The space's word that an entry of a channel is put away, or is not shown any more (`domain.md`
 *  D-25). Who is hosted elsewhere keeps what they wrote in their own repo; being a record of the
 *  space's, this holds on every node, and when views are made anew. */
export const retirement = collection({
  record: co.kendev.spaces.retirement,
  table: 'retirement',
  columns: {
    entry: recordColumn(),
    channel: recordColumn(),
    state: text(),
    reason: text().optional(),
    createdAt: timestamp(),
  },
  indexes: [
    ['entry', 'did'],
    ['did', 'createdAt'],
  ],
  access: { places: 'either', manage: 'moderate_content' },

  accept({ record, did }) {
    const channel = readReference(record.channel)
    if (channel?.collection !== co.kendev.spaces.channel.$type || channel.author !== did)
      return 'ChannelOfAnotherSpace'
    const entry = readReference(record.entry)
    const { message, channelReport } = co.kendev.spaces
    if (entry?.collection === channelReport.$type && entry.author === did) return undefined
    return entry?.collection === message.$type ? undefined : 'EntryOfNoChannel'
  },

  row: ({ record, claimed }) => ({
    entry: record.entry,
    channel: record.channel,
    state: record.state,
    reason: record.reason ?? null,
    createdAt: claimed(record.createdAt),
  }),

  view: (row): co.kendev.spaces.defs.RetirementView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    entry: row.entry,
    channel: row.channel,
    state: row.state,
    reason: row.reason ?? undefined,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getRetirement,
  lists: [
    {
      query: co.kendev.spaces.listRetirements,
      newest: 'createdAt',
      where: { space: 'did', channel: 'channel', state: 'state' },
    },
  ],
  examples: {
    good: [
      { record: retire({}) },
      { audience: 'members', record: retire({ state: 'deleted', reason: 'Spam' }) },
      {
        audience: 'staff',
        record: retire({ entry: `at://did:plc:alice/${co.kendev.spaces.channelReport.$type}/3k` }),
      },
    ],
    bad: {
      ChannelOfAnotherSpace: {
        record: retire({ channel: `at://did:plc:bob/${co.kendev.spaces.channel.$type}/3k` }),
      },
      EntryOfNoChannel: {
        record: retire({ entry: `at://did:plc:bob/${co.kendev.spaces.channelReport.$type}/3k` }),
      },
    },
  },
})

function retire(content: Partial<Retirement>): Omit<Retirement, '$type'> {
  return {
    entry: `at://did:plc:ben/${co.kendev.spaces.message.$type}/3k`,
    channel: `at://did:plc:alice/${co.kendev.spaces.channel.$type}/3k`,
    state: 'archived',
    createdAt: '2026-11-23T10:00:00Z',
    ...content,
  }
}
