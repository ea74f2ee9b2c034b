import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import {
  collection,
  instant,
  newest,
  part,
  record as recordColumn,
  text,
  timestamp,
} from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** What somebody says to everybody about a feature. What is said to those who run the node only is
 *  no public record. */
export const featureFeedback = collection({
  record: co.kendev.platform.featureFeedback,
  table: 'featureFeedback',
  columns: {
    feature: recordColumn(),
    /** The node whose feature it is: nobody else answers. */
    node: text(),
    type: text(),
    createdAt: timestamp(),
    content: part<co.kendev.platform.featureFeedback.Main>(),
  },
  derived: {
    response: newest(part<co.kendev.platform.defs.ResponseText>(), {
      source: 'featureResponse',
      on: { feedback: 'uri', did: 'node' },
      value: 'said',
      by: 'createdAt',
    }),
  },
  indexes: [['feature', 'createdAt']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record }) {
    const about = readReference(record.feature.uri)
    const { $type } = co.kendev.platform.roadmapFeature
    return about?.collection === $type ? undefined : 'SubjectIsNoFeature'
  },

  row: ({ record, claimed }) => ({
    feature: record.feature.uri,
    node: readReference(record.feature.uri)?.author ?? '',
    type: record.type ?? 'feedback',
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.platform.defs.FeatureFeedbackView => ({
    uri: row.uri,
    cid: row.cid,
    feature: row.feature,
    author: look.person(row.did),
    comment: row.content.comment,
    type: row.type,
    response: row.response ?? undefined,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getFeatureFeedback,
  lists: [
    {
      query: co.kendev.platform.listFeatureFeedback,
      newest: 'createdAt',
      where: { feature: 'feature', type: 'type' },
    },
  ],
  examples: {
    good: [{ record: say('roadmapFeature') }],
    bad: { SubjectIsNoFeature: { record: say('tenant') } },
  },
})

function say(kind: 'roadmapFeature' | 'tenant') {
  const uri = `at://did:plc:node/${co.kendev.platform[kind].$type}/3m6bkl2222222` as l.AtUriString
  return {
    feature: { uri, cid: CID },
    comment: [{ $type: co.kendev.defs.paragraph.$type, text: 'For us it is the week view.' }],
    type: 'use-case',
    createdAt: '2026-11-23T10:00:00Z' as const,
  }
}
