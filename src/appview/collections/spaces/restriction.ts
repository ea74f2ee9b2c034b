import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, text, timestamp } from '../../define.ts'

type Restriction = co.kendev.spaces.restriction.Main

/** A space's decision that somebody is not in (`domain.md` SM-10). The membership is withdrawn, so
 *  to all but the staff who is banned looks like somebody who is gone, on every node; this record
 *  keeps them from coming back. It counts in the space's own repo only. */
export const restriction = collection({
  record: co.kendev.spaces.restriction,
  table: 'restriction',
  columns: {
    subject: did(),
    status: text(),
    request: text().optional(),
    createdAt: timestamp(),
    content: part<Restriction>(),
  },
  indexes: [['did', 'createdAt']],
  people: ['subject'],
  access: { places: 'permissioned', audience: 'staff' },

  accept({ record, rkey, did: space }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    if (record.subject === space) return 'SpaceIsNoMember'
    return undefined
  },

  row: ({ record, claimed }) => ({
    subject: record.subject,
    status: record.status,
    request: record.request ?? null,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.spaces.defs.RestrictionView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    profile: look.person(row.subject),
    status: row.status,
    reason: content.reason,
    request: content.request,
    membership: content.membership,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getRestriction,
  lists: [
    {
      query: co.kendev.spaces.listRestrictions,
      newest: 'createdAt',
      where: { space: 'did', status: 'status' },
    },
  ],
  examples: {
    good: [
      {
        rkey: 'did:plc:ben',
        audience: 'staff',
        record: {
          ...bar('did:plc:ben'),
          membership: { role: 'member', joinedAt: '2026-11-20T10:00:00Z' },
        },
      },
    ],
    bad: {
      KeyIsNotSubject: { rkey: 'did:plc:eve', audience: 'staff', record: bar('did:plc:ben') },
      SpaceIsNoMember: { rkey: 'did:plc:alice', audience: 'staff', record: bar('did:plc:alice') },
    },
  },
})

function bar(subject: l.DidString): Omit<Restriction, '$type'> {
  return { subject, status: 'banned', reason: 'Sells watches.', createdAt: '2026-11-23T10:00:00Z' }
}
