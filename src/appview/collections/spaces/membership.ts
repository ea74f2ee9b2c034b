import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, exists, instant, text, timestamp } from '../../define.ts'

/** The space's half of a membership: it admits the member whose DID is the key. The member's half
 *  is a membershipRequest; both together make a member, this one alone somebody who left. */
export const membership = collection({
  record: co.kendev.spaces.membership,
  table: 'membership',
  columns: { subject: did(), role: text(), joinedAt: timestamp() },
  derived: {
    active: exists({ source: 'membershipRequest', on: { space: 'did', did: 'subject' } }),
  },
  indexes: [['subject', 'did']],
  feed: 'did',
  people: ['subject'],
  access: { places: 'public' },

  accept({ record, rkey, did }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    if (record.subject === did) return 'SpaceIsNoMember'
    return undefined
  },

  row: ({ record, claimed }) => ({
    subject: record.subject,
    role: record.role,
    joinedAt: claimed(record.joinedAt),
  }),

  view: (row, look): co.kendev.spaces.defs.MembershipView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    handle: look.person(row.subject).handle,
    profile: look.person(row.subject),
    role: row.role,
    joinedAt: instant(row.joinedAt),
    status: row.active ? 'active' : 'left',
    indexedAt: instant(row.indexedAt),
  }),

  shown: 'active',
  lists: [{ query: co.kendev.spaces.listMemberships, newest: 'joinedAt', where: { space: 'did' } }],
  examples: {
    good: [{ rkey: 'did:plc:ben', record: admit('did:plc:ben') }],
    bad: {
      KeyIsNotSubject: { rkey: 'did:plc:eve', record: admit('did:plc:ben') },
      SpaceIsNoMember: { rkey: 'did:plc:alice', record: admit('did:plc:alice') },
    },
  },
})

function admit(subject: l.DidString) {
  return { subject, role: 'member', joinedAt: '2026-11-23T10:00:00Z' } as const
}
