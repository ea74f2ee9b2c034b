import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { blobOf } from '../../blob.ts'
import {
  collection,
  count,
  did,
  exists,
  instant,
  part,
  record,
  tally,
  text,
  timestamp,
} from '../../define.ts'
import { readReference } from '../../reference.ts'

const CHANNEL = {
  uri: 'at://did:plc:garage/co.kendev.spaces.channel/3k',
  cid: 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi',
} as const

/** What the space has decided about a message: it is put away, or shown no more. */
const RETIRED = { source: 'retirement', on: { entry: 'uri', did: 'space' } } as const

/** What a member says in a space, in the member's own repo. It is shown while the space
 *  lets its author write where it stands, whichever of the two records arrives first. */
export const message = collection({
  record: co.kendev.spaces.message,
  table: 'message',
  owner: 'space',
  columns: {
    space: did(),
    channel: record().optional(),
    root: record().optional(),
    parent: record().optional(),
    text: text().optional(),
    sentAt: timestamp(),
    content: part<co.kendev.spaces.message.Main>(),
  },
  derived: {
    admitted: exists({
      source: 'membership',
      on: { did: 'space', subject: 'did' },
      places: 'writes',
    }),
    archived: exists({ ...RETIRED, where: { state: 'archived' } }),
    retired: exists({ ...RETIRED, where: { state: 'deleted' } }),
    replyCount: count({
      source: 'message',
      on: { parent: 'uri' },
      where: { admitted: true, retired: false },
    }),
    reactions: tally({
      source: 'reaction',
      on: { subject: 'uri' },
      where: { admitted: true },
      value: 'emoji',
      once: 'did',
    }),
  },
  indexes: [
    ['space', 'admitted', 'sentAt'],
    ['channel', 'admitted', 'sentAt'],
    ['channel', 'archived', 'sentAt'],
    ['root', 'sentAt'],
    ['did', 'sentAt'],
  ],
  search: ['text'],
  shown: 'admitted',
  hidden: 'retired',
  feed: 'space',
  people: ['did'],
  mine: { source: 'reaction', about: 'subject', value: 'emoji', among: 'reactions' },
  access: { places: 'either', own: 'post_messages', channel: { column: 'channel' } },

  accept({ record, uri }) {
    if (!record.text && !record.widgets?.length && !record.attachments?.length && isPlain(record))
      return 'NothingSaid'
    if (record.channel && authorOf(record.channel, 'channel') !== record.space)
      return 'ChannelOfAnotherSpace'
    for (const ref of record.reply ? [record.reply.root, record.reply.parent] : [])
      if (!authorOf(ref.uri, 'message') || ref.uri === uri) return 'BadReply'
    return undefined
  },

  row: ({ record, claimed }) => ({
    space: record.space,
    channel: record.channel ?? null,
    root: record.reply?.root.uri ?? null,
    parent: record.reply?.parent.uri ?? null,
    text: record.text ?? null,
    sentAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.spaces.defs.MessageView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    space: row.space,
    channel: content.channel,
    contentType: content.contentType ?? 'text',
    text: row.text ?? undefined,
    facets: content.facets,
    widgets: content.widgets,
    systemData: content.systemData,
    actionData: content.actionData,
    metadata: content.metadata,
    messageType: content.messageType ?? 'user',
    priority: content.priority ?? 'normal',
    conversationContext: content.conversationContext,
    reply: content.reply,
    attachments: content.attachments?.map((a) =>
      attachmentView(a, (cid) => look.blobUrl(row.did, cid, row.place)),
    ),
    reactions: Object.entries(row.reactions)
      .toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .map(([emoji, times]) => ({ emoji, count: times, mine: look.mine.includes(emoji) })),
    replyCount: row.replyCount,
    threadRoot: content.reply?.root.uri,
    edited: content.editedAt !== undefined,
    archived: row.archived,
    createdAt: instant(row.sentAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getMessage,
  lists: [
    {
      query: co.kendev.spaces.listMessages,
      newest: 'sentAt',
      where: {
        space: 'space',
        channel: 'channel',
        thread: 'root',
        author: 'did',
        archived: 'archived',
        since: ['>=', 'sentAt'],
      },
    },
    {
      query: co.kendev.spaces.searchMessages,
      newest: 'sentAt',
      where: {
        space: 'space',
        q: ['matches', 'search'],
        channel: 'channel',
        author: 'did',
        archived: 'archived',
      },
    },
  ],
  examples: {
    good: [
      { record: say({ text: 'The lift is free on Friday.' }) },
      { audience: 'members', record: say({ text: 'The key is under the mat.' }) },
    ],
    bad: {
      NothingSaid: { record: say({}) },
      ChannelOfAnotherSpace: {
        record: say({ text: 'Hi', channel: 'at://did:plc:eve/co.kendev.spaces.channel/3k' }),
      },
      BadReply: { record: say({ text: 'Hi', reply: { root: CHANNEL, parent: CHANNEL } }) },
    },
  },
})

/** Text and rich text have to say something; system and action messages carry their own data. */
function isPlain(record: co.kendev.spaces.message.Main): boolean {
  return !record.systemData && !record.actionData
}

/** The author a reference names, if it is one to a record of that kind. */
function authorOf(uri: string, kind: 'channel' | 'message'): string | undefined {
  const reference = readReference(uri)
  return reference?.collection === co.kendev.spaces[kind].$type ? reference.author : undefined
}

function attachmentView(
  { file, filename, alt, width, height }: co.kendev.spaces.defs.Attachment,
  urlOf: (cid: string) => l.UriString,
): co.kendev.spaces.defs.AttachmentView {
  const { cid, mimeType, size } = blobOf(file)
  return {
    url: urlOf(cid),
    mimeType,
    size,
    filename,
    alt,
    width,
    height,
  }
}

function say(
  content: Partial<co.kendev.spaces.message.Main>,
): Omit<co.kendev.spaces.message.Main, '$type'> {
  return { space: 'did:plc:garage', createdAt: '2026-11-23T10:00:00Z', ...content }
}
