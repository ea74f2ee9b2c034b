import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { keyBesideMessage } from './beside-message.ts'

type Correction = co.kendev.spaces.insightCorrection.Main

const KEY = '3jzfcijpj2z2a'
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** What a person has put right of what an analysis found in a message (`domain.md` D-20). What is
 *  found is worked out whenever it is asked for; only this is kept. */
export const insightCorrection = collection({
  record: co.kendev.spaces.insightCorrection,
  table: 'insightCorrection',
  columns: { message: recordColumn(), createdAt: timestamp(), content: part<Correction>() },
  indexes: [
    ['message', 'did'],
    ['did', 'createdAt'],
  ],
  access: { places: 'permissioned', audience: 'managers', manage: 'view_analytics' },

  accept({ record, rkey }) {
    const key = keyBesideMessage(record.message.uri)
    if (key === undefined) return 'SubjectIsNoMessage'
    return key === rkey ? undefined : 'KeyIsNotMessage'
  },

  row: ({ record, claimed }) => ({
    message: record.message.uri,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.spaces.defs.InsightCorrectionView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    message: content.message,
    sentiment: content.sentiment,
    intent: content.intent,
    department: content.department,
    customerJourney: content.customerJourney,
    suggestedActions: content.suggestedActions,
    workflow: content.workflow,
    correctedBy: content.correctedBy,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getInsightCorrection,
  lists: [
    {
      query: co.kendev.spaces.listInsightCorrections,
      newest: 'createdAt',
      where: { space: 'did' },
    },
  ],
  examples: {
    good: [{ rkey: `${KEY}:did:plc:ben`, audience: 'managers', record: correct('message') }],
    bad: {
      SubjectIsNoMessage: {
        rkey: `${KEY}:did:plc:ben`,
        audience: 'managers',
        record: correct('channel'),
      },
      KeyIsNotMessage: { rkey: KEY, audience: 'managers', record: correct('message') },
    },
  },
})

function correct(kind: 'message' | 'channel'): Omit<Correction, '$type'> {
  const uri = `at://did:plc:ben/${co.kendev.spaces[kind].$type}/${KEY}`
  const message = { uri, cid: CID } as Correction['message']
  const correctedBy = 'did:plc:ada'
  return { message, intent: 'booking', correctedBy, createdAt: '2026-11-23T10:00:00Z' }
}
