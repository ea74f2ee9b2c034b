import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, text, timestamp } from '../../define.ts'

/** What somebody may do on a whole node. Only roles in the repo of a node's own account count, and
 *  only there: anybody can write such a record. */
export const nodeRole = collection({
  record: co.kendev.platform.nodeRole,
  table: 'nodeRole',
  columns: { subject: did(), role: text(), createdAt: timestamp() },
  indexes: [['subject', 'did']],
  people: ['subject'],
  access: { places: 'public' },

  accept: ({ record, rkey }) => (record.subject === rkey ? undefined : 'KeyIsNotSubject'),

  row: ({ record, claimed }) => ({
    subject: record.subject,
    role: record.role,
    createdAt: claimed(record.createdAt),
  }),

  view: (row, look): co.kendev.platform.defs.NodeRoleView => ({
    uri: row.uri,
    cid: row.cid,
    subject: row.subject,
    profile: look.person(row.subject),
    role: row.role,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getNodeRole,
  lists: [
    {
      query: co.kendev.platform.listNodeRoles,
      newest: 'createdAt',
      where: { node: 'did', role: 'role' },
    },
  ],
  examples: {
    good: [{ rkey: 'did:plc:ada', record: give('did:plc:ada') }],
    bad: { KeyIsNotSubject: { rkey: 'did:plc:eve', record: give('did:plc:ada') } },
  },
})

function give(subject: 'did:plc:ada') {
  return { subject, role: 'super_admin', createdAt: '2026-11-23T10:00:00Z' } as const
}
