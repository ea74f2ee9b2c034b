import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** An award taken back: by its author, or by the node in the repo of its own account. In any other
 *  repo such a record does nothing. */
export const revocation = collection({
  record: co.kendev.karma.revocation,
  table: 'revocation',
  columns: {
    award: recordColumn(),
    createdAt: timestamp(),
    content: part<co.kendev.karma.revocation.Main>(),
  },
  indexes: [['award', 'did']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record }) {
    const about = readReference(record.award.uri)
    return about?.collection === co.kendev.karma.award.$type ? undefined : 'SubjectIsNoAward'
  },

  row: ({ record, claimed }) => ({
    award: record.award.uri,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.karma.defs.RevocationView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    award: row.content.award,
    reason: row.content.reason,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.karma.getRevocation,
  examples: {
    good: [{ record: revoke('at://did:plc:ada/co.kendev.karma.award/3m6bkl2222222') }],
    bad: { SubjectIsNoAward: { record: revoke('at://did:plc:ada/co.kendev.spaces.message/3k') } },
  },
})

function revoke(uri: string) {
  return {
    award: { uri, cid: CID },
    reason: 'Given to the wrong person.',
    createdAt: '2026-11-23T11:00:00Z',
  } as const
}
