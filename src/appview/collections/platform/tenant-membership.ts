import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, list, part, text, timestamp } from '../../define.ts'

type Profile = co.kendev.platform.tenantMembership.Profile

/** A tenant's word that somebody works with it. It is written when that person accepts an
 *  invitation, so it needs no record of theirs (`domain.md` SM-09). */
export const tenantMembership = collection({
  record: co.kendev.platform.tenantMembership,
  table: 'tenantMembership',
  columns: {
    subject: did(),
    role: text(),
    permissions: list(),
    status: text(),
    invitedBy: did().optional(),
    joinedAt: timestamp(),
    profile: part<Profile>().optional(),
  },
  indexes: [['subject', 'did']],
  people: ['subject'],
  access: { places: 'permissioned', of: 'tenant', audience: 'members' },
  machine: {
    field: 'status',
    initial: ['active'],
    moves: [
      move(['active'], 'suspended'),
      move(['suspended'], 'active'),
      move(['active', 'suspended'], 'revoked'),
    ],
  },

  accept({ record, rkey, did: tenant }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    if (record.subject === tenant) return 'TenantIsNoMember'
    return undefined
  },

  row: ({ record, claimed }) => ({
    subject: record.subject,
    role: record.role,
    permissions: record.permissions ?? [],
    status: record.status ?? 'active',
    invitedBy: record.invitedBy ?? null,
    joinedAt: claimed(record.joinedAt),
    profile: record.profile ?? null,
  }),

  view: (row, look): Omit<co.kendev.platform.defs.TenantMembershipView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    subject: row.subject,
    person: look.person(row.subject),
    role: row.role,
    permissions: row.permissions,
    status: row.status,
    invitedBy: row.invitedBy ?? undefined,
    profile: row.profile ?? undefined,
    joinedAt: instant(row.joinedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getTenantMembership,
  lists: [
    {
      query: co.kendev.platform.listTenantMemberships,
      newest: 'joinedAt',
      where: { tenant: 'did', role: 'role', status: 'status' },
    },
  ],
  examples: {
    good: [
      { rkey: 'did:plc:ben', audience: 'members', record: admit('did:plc:ben') },
      {
        rkey: 'did:plc:cleo',
        audience: 'members',
        record: {
          ...admit('did:plc:cleo'),
          permissions: ['export_data'],
          status: 'suspended',
          invitedBy: 'did:plc:ben',
          profile: { displayName: 'Cleo', department: 'Colour' },
        },
      },
    ],
    bad: {
      KeyIsNotSubject: {
        rkey: 'did:plc:eve',
        audience: 'members',
        record: admit('did:plc:ben'),
      },
      TenantIsNoMember: {
        rkey: 'did:plc:alice',
        audience: 'members',
        record: admit('did:plc:alice'),
      },
    },
  },
})

function move(from: string[], to: string) {
  return { from, to, tells: { kind: 'membershipChanged', whom: 'subject' } }
}

function admit(subject: l.DidString) {
  return { subject, role: 'tenant_member', joinedAt: '2026-11-23T10:00:00Z' } as const
}
