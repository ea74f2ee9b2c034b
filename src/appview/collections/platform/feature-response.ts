import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** What a node answers to feedback. It is shown beside feedback on features of that node only. */
export const featureResponse = collection({
  record: co.kendev.platform.featureResponse,
  table: 'featureResponse',
  columns: {
    feedback: recordColumn(),
    author: did().optional(),
    createdAt: timestamp(),
    said: part<co.kendev.platform.defs.ResponseText>(),
  },
  indexes: [['feedback', 'did']],
  people: ['author'],
  access: { places: 'public' },

  accept({ record }) {
    const about = readReference(record.feedback.uri)
    const { $type } = co.kendev.platform.featureFeedback
    return about?.collection === $type ? undefined : 'SubjectIsNoFeedback'
  },

  row: ({ record, claimed }) => ({
    feedback: record.feedback.uri,
    author: record.author ?? null,
    createdAt: claimed(record.createdAt),
    said: { comment: record.comment, createdAt: record.createdAt },
  }),

  view: (row, look): co.kendev.platform.defs.FeatureResponseView => ({
    uri: row.uri,
    cid: row.cid,
    feedback: row.feedback,
    comment: row.said.comment,
    author: row.author === null ? undefined : look.person(row.author),
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getFeatureResponse,
  examples: {
    good: [{ record: answer('featureFeedback') }],
    bad: { SubjectIsNoFeedback: { record: answer('roadmapFeature') } },
  },
})

function answer(kind: 'featureFeedback' | 'roadmapFeature') {
  const uri = `at://did:plc:ben/${co.kendev.platform[kind].$type}/3m6bkl2222222` as l.AtUriString
  return {
    feedback: { uri, cid: CID },
    comment: [{ $type: co.kendev.defs.paragraph.$type, text: 'It is in the next version.' }],
    author: 'did:plc:alice' as const,
    createdAt: '2026-11-23T10:00:00Z' as const,
  }
}
