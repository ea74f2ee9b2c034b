import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, timestamp } from '../../define.ts'

type Crm = co.kendev.spaces.memberCrm.Main

/** What a space's managers note about a member (`domain.md` §2.1, AC-10). It stands beside the
 *  membership under the same key, in a place that other members never read. */
export const memberCrm = collection({
  record: co.kendev.spaces.memberCrm,
  table: 'memberCrm',
  columns: { subject: did(), createdAt: timestamp(), content: part<Crm>() },
  people: ['subject'],
  access: { places: 'permissioned', audience: 'managers', manage: 'manage_space' },

  accept({ record, rkey }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    return undefined
  },

  row: ({ record, claimed }) => ({
    subject: record.subject,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.spaces.defs.MemberCrmView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    profile: look.person(row.subject),
    tags: row.content.tags,
    notes: row.content.notes,
    updatedAt: row.content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getMemberCrm,
  lists: [{ query: co.kendev.spaces.listMemberCrm, newest: 'createdAt', where: { space: 'did' } }],
  examples: {
    good: [{ rkey: 'did:plc:ben', audience: 'managers', record: note('did:plc:ben') }],
    bad: {
      KeyIsNotSubject: {
        rkey: 'did:plc:eve',
        audience: 'managers',
        record: note('did:plc:ben'),
      },
    },
  },
})

function note(subject: l.DidString): Omit<Crm, '$type'> {
  return { subject, tags: ['regular'], notes: 'Pays cash.', createdAt: '2026-11-23T10:00:00Z' }
}
