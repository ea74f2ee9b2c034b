import { co } from '../../../lexicons/index.ts'
import { collection, did, exists, instant, part, record, text, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** One person's emoji on one message. The same emoji twice by one person counts once. */
export const reaction = collection({
  record: co.kendev.spaces.reaction,
  table: 'reaction',
  owner: 'space',
  columns: {
    space: did(),
    subject: record(),
    subjectRef: part<co.kendev.defs.Ref>(),
    emoji: text(),
    createdAt: timestamp(),
  },
  derived: {
    admitted: exists({
      source: 'membership',
      on: { did: 'space', subject: 'did' },
      places: 'writes',
    }),
  },
  indexes: [['subject', 'did']],
  shown: 'admitted',
  feed: 'space',
  people: ['did'],
  access: {
    places: 'either',
    own: 'post_messages',
    channel: { column: 'subject', of: 'message' },
  },

  accept({ record }) {
    const subject = readReference(record.subject.uri)
    if (subject?.collection !== co.kendev.spaces.message.$type) return 'SubjectIsNoMessage'
    return undefined
  },

  row: ({ record, claimed }) => ({
    space: record.space,
    subject: record.subject.uri,
    subjectRef: record.subject,
    emoji: record.emoji,
    createdAt: claimed(record.createdAt),
  }),

  view: (row, look): co.kendev.spaces.defs.ReactionView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    subject: row.subjectRef,
    space: row.space,
    emoji: row.emoji,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getReaction,
  lists: [
    { query: co.kendev.spaces.listReactions, newest: 'createdAt', where: { subject: 'subject' } },
  ],
  examples: {
    good: [
      { record: react('at://did:plc:ben/co.kendev.spaces.message/3k') },
      { audience: 'staff', record: react('at://did:plc:ben/co.kendev.spaces.message/3k') },
    ],
    bad: {
      SubjectIsNoMessage: { record: react('at://did:plc:ben/co.kendev.spaces.channel/3k') },
    },
  },
})

function react(uri: string) {
  const subject = { uri, cid: CID } as const
  return {
    space: 'did:plc:garage',
    subject,
    emoji: '🔧',
    createdAt: '2026-11-23T10:00:00Z',
  } as const
}
