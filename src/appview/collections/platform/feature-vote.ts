import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** A vote for a feature. Its key is the feature's, so that everybody has one; what it weighs is the
 *  node's to say. */
export const featureVote = collection({
  record: co.kendev.platform.featureVote,
  table: 'featureVote',
  columns: {
    feature: recordColumn(),
    createdAt: timestamp(),
    content: part<co.kendev.platform.featureVote.Main>(),
  },
  indexes: [['feature', 'createdAt'], ['feature', 'did'], ['did']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record, rkey }) {
    const feature = readReference(record.feature.uri)
    if (feature?.collection !== co.kendev.platform.roadmapFeature.$type) return 'SubjectIsNoFeature'
    return feature.rkey === rkey ? undefined : 'KeyIsNotFeature'
  },

  row: ({ record, claimed }) => ({
    feature: record.feature.uri,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.platform.defs.FeatureVoteView => ({
    uri: row.uri,
    cid: row.cid,
    feature: row.feature,
    voter: look.person(row.did),
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getFeatureVote,
  lists: [
    {
      query: co.kendev.platform.listFeatureVotes,
      newest: 'createdAt',
      where: { feature: 'feature' },
    },
  ],
  examples: {
    good: [{ rkey: '3m6bkl2222222', record: vote('roadmapFeature') }],
    bad: {
      KeyIsNotFeature: { rkey: '3m6bkl3333333', record: vote('roadmapFeature') },
      SubjectIsNoFeature: { rkey: '3m6bkl2222222', record: vote('tenant') },
    },
  },
})

function vote(kind: 'roadmapFeature' | 'tenant') {
  const uri = `at://did:plc:node/${co.kendev.platform[kind].$type}/3m6bkl2222222` as l.AtUriString
  return { feature: { uri, cid: CID }, createdAt: '2026-11-23T10:00:00Z' } as const
}
