import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, exists, instant, text, timestamp } from '../../define.ts'

/** The member's half of a membership: the wish to be in the space whose DID is the key. Deleting
 *  it is leaving. */
export const membershipRequest = collection({
  record: co.kendev.spaces.membershipRequest,
  table: 'membershipRequest',
  owner: 'space',
  columns: { space: did(), message: text().optional(), createdAt: timestamp() },
  derived: {
    admitted: exists({ source: 'membership', on: { did: 'space', subject: 'did' } }),
  },
  people: ['did'],
  access: { places: 'either' },

  accept({ record, rkey }) {
    if (record.space !== rkey) return 'KeyIsNotSpace'
    return undefined
  },

  row: ({ record, claimed }) => ({
    space: record.space,
    message: record.message ?? null,
    createdAt: claimed(record.createdAt),
  }),

  view: (row, look): co.kendev.spaces.defs.MembershipRequestView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.space,
    subject: row.did,
    handle: look.person(row.did).handle,
    message: row.message ?? undefined,
    status: row.admitted ? 'active' : 'pending',
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getMembershipRequest,
  lists: [
    {
      query: co.kendev.spaces.listMembershipRequests,
      newest: 'createdAt',
      where: { space: 'space', admitted: 'admitted' },
    },
  ],
  examples: {
    good: [
      { rkey: 'did:plc:garage', record: ask('did:plc:garage') },
      { rkey: 'did:plc:club', audience: 'members', record: ask('did:plc:club') },
    ],
    bad: { KeyIsNotSpace: { rkey: 'did:plc:other', record: ask('did:plc:garage') } },
  },
})

function ask(space: l.DidString) {
  return { space, createdAt: '2026-11-23T10:00:00Z' } as const
}
