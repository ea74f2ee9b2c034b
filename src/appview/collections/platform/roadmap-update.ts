import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import {
  collection,
  did,
  instant,
  part,
  record as recordColumn,
  text,
  timestamp,
} from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** News of a feature, by the node whose feature it is. What is not for everybody is no record. */
export const roadmapUpdate = collection({
  record: co.kendev.platform.roadmapUpdate,
  table: 'roadmapUpdate',
  columns: {
    feature: recordColumn(),
    title: text(),
    author: did().optional(),
    createdAt: timestamp(),
    content: part<co.kendev.platform.roadmapUpdate.Main>(),
  },
  indexes: [
    ['feature', 'createdAt'],
    ['did', 'createdAt'],
  ],
  people: ['author'],
  access: { places: 'public' },

  accept({ record, did: node }) {
    const feature = readReference(record.feature.uri)
    if (feature?.collection !== co.kendev.platform.roadmapFeature.$type) return 'SubjectIsNoFeature'
    return feature.author === node ? undefined : 'NotOwnFeature'
  },

  row: ({ record, claimed }) => ({
    feature: record.feature.uri,
    title: record.title,
    author: record.author ?? null,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.platform.defs.RoadmapUpdateView => ({
    uri: row.uri,
    cid: row.cid,
    feature: row.feature,
    title: row.title,
    content: row.content.content,
    author: row.author === null ? undefined : look.person(row.author),
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getRoadmapUpdate,
  lists: [
    {
      query: co.kendev.platform.listRoadmapUpdates,
      newest: 'createdAt',
      where: { feature: 'feature', node: 'did' },
    },
  ],
  examples: {
    good: [{ did: 'did:plc:alice', record: tell('did:plc:alice', 'roadmapFeature') }],
    bad: {
      NotOwnFeature: { did: 'did:plc:alice', record: tell('did:plc:ben', 'roadmapFeature') },
      SubjectIsNoFeature: { did: 'did:plc:alice', record: tell('did:plc:alice', 'tenant') },
    },
  },
})

function tell(node: string, kind: 'roadmapFeature' | 'tenant') {
  const uri = `at://${node}/${co.kendev.platform[kind].$type}/3m6bkl2222222` as l.AtUriString
  const author = 'did:plc:alice' as const
  return {
    feature: { uri, cid: CID },
    title: 'First feeds',
    author,
    createdAt: '2026-11-23T10:00:00Z',
  } as const
}
