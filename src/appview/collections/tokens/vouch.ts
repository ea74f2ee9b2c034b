import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, timestamp } from '../../define.ts'
import { BEN, EVE, NOON } from './example-names.ts'

/** That somebody knows somebody else to be a person of their own. Snapshots of persons are made of
 *  these; by itself one gives nobody anything. */
export const vouch = collection({
  record: co.kendev.tokens.vouch,
  table: 'tokenVouch',
  columns: {
    person: did(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.vouch.Main>(),
  },
  indexes: [['person', 'createdAt']],
  people: ['did', 'person'],
  access: { places: 'public' },

  accept: ({ record, did: author }) => (record.person === author ? 'SelfVouch' : undefined),

  row: ({ record, claimed }) => ({
    person: record.person,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.VouchView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    person: look.person(row.person),
    ledger: content.ledger,
    expiresAt: content.expiresAt,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getVouch,
  lists: [
    {
      query: co.kendev.tokens.listVouches,
      newest: 'createdAt',
      where: { author: 'did', person: 'person' },
    },
  ],
  examples: {
    good: [{ record: { person: BEN, createdAt: NOON } }],
    bad: { SelfVouch: { did: EVE, record: { person: EVE, createdAt: NOON } } },
  },
})
