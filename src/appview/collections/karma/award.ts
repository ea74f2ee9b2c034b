import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, integer, part, text, timestamp } from '../../define.ts'

/** Karma that somebody gives to somebody else. Everybody can write such a record; whether it counts
 *  is decided beside it, by all that came before. */
export const award = collection({
  record: co.kendev.karma.award,
  table: 'award',
  columns: {
    recipient: did(),
    type: text(),
    contributionType: text().optional(),
    points: integer(),
    createdAt: timestamp(),
    content: part<co.kendev.karma.award.Main>(),
  },
  indexes: [['recipient', 'createdAt'], ['did', 'createdAt'], ['createdAt']],
  people: ['did', 'recipient'],
  access: { places: 'public' },

  accept: ({ record, did }) => (record.recipient === did ? 'SelfAward' : undefined),

  row: ({ record, claimed }) => ({
    recipient: record.recipient,
    type: record.type,
    contributionType: record.contributionType ?? null,
    points: record.points,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.karma.defs.AwardView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    recipient: look.person(row.recipient),
    type: row.type,
    contributionType: row.contributionType ?? undefined,
    points: row.points,
    reason: row.content.reason,
    counts: false,
    whyNot: 'NotJudgedYet',
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  examples: {
    good: [{ record: give('did:plc:ben') }],
    bad: { SelfAward: { record: give('did:plc:alice') } },
  },
})

function give(recipient: 'did:plc:ben' | 'did:plc:alice') {
  return {
    recipient,
    type: 'helpful_response',
    points: 10,
    reason: 'Found the leak.',
    createdAt: '2026-11-23T10:00:00Z',
  } as const
}
