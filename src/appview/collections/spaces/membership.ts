import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { AUDIENCES, audienceUri, rolesOf } from '../../../permissioned/audience.ts'
import {
  collection,
  did,
  exists,
  instant,
  list,
  newest,
  part,
  text,
  timestamp,
} from '../../define.ts'

/** The space's half of a membership: it admits the member whose DID is the key. The member's half
 *  is a membershipRequest; both together make a member, this one alone somebody who left. */
export const membership = collection({
  record: co.kendev.spaces.membership,
  table: 'membership',
  columns: {
    subject: did(),
    role: text(),
    permissions: list(),
    status: text(),
    /** Where what the member writes counts: places, and the public repo as an empty one. */
    writes: list(),
    invitedBy: did().optional(),
    joinedAt: timestamp(),
    updatedAt: timestamp().optional(),
  },
  derived: {
    active: exists({ source: 'membershipRequest', on: { space: 'did', did: 'subject' } }),
    presented: newest(part<co.kendev.spaces.memberProfile.Main>(), {
      source: 'memberProfile',
      on: { space: 'did', did: 'subject' },
      value: 'content',
      by: 'createdAt',
    }),
  },
  indexes: [['subject', 'did']],
  feed: 'did',
  people: ['subject'],
  access: { places: 'either' },

  accept({ record, rkey, did, place }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    if (record.subject === did) return 'SpaceIsNoMember'
    // What a member may do beyond the role, and whether they are suspended, is nobody else's
    // business.
    if (place === '' && (record.permissions ?? record.status ?? record.invitedBy) !== undefined)
      return 'NotPublic'
    return undefined
  },

  row: ({ record, did, claimed }) => ({
    subject: record.subject,
    role: record.role,
    permissions: record.permissions ?? [],
    status: record.status ?? 'active',
    writes: (record.status ?? 'active') === 'active' ? placesWritten(did, record.role) : [],
    invitedBy: record.invitedBy ?? null,
    joinedAt: claimed(record.joinedAt),
    updatedAt: record.updatedAt === undefined ? null : claimed(record.updatedAt),
  }),

  view: (row, look): co.kendev.spaces.defs.MembershipView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    handle: look.person(row.subject).handle,
    profile: look.person(row.subject),
    role: row.role,
    permissions: row.place === '' ? undefined : row.permissions,
    invitedBy: row.invitedBy ?? undefined,
    joinedAt: instant(row.joinedAt),
    updatedAt: row.updatedAt ? instant(row.updatedAt) : undefined,
    spaceProfile: row.presented ? profileOf(row.presented) : undefined,
    onboardingCompleted: row.presented?.onboardingCompleted,
    status: row.active || row.status !== 'active' ? row.status : 'left',
    indexedAt: instant(row.indexedAt),
  }),

  shown: 'active',
  lists: [{ query: co.kendev.spaces.listMemberships, newest: 'joinedAt', where: { space: 'did' } }],
  examples: {
    good: [
      { rkey: 'did:plc:ben', record: admit('did:plc:ben') },
      {
        rkey: 'did:plc:cleo',
        audience: 'members',
        record: {
          ...admit('did:plc:cleo'),
          permissions: ['view_analytics'],
          status: 'suspended',
          invitedBy: 'did:plc:ben',
        },
      },
    ],
    bad: {
      NotPublic: {
        rkey: 'did:plc:ben',
        record: { ...admit('did:plc:ben'), status: 'suspended' },
      },
      KeyIsNotSubject: { rkey: 'did:plc:eve', record: admit('did:plc:ben') },
      SpaceIsNoMember: { rkey: 'did:plc:alice', record: admit('did:plc:alice') },
    },
  },
})

/** What is public stays as it was when its author becomes a viewer: all have read it. */
function placesWritten(space: l.DidString, role: string): string[] {
  const written = AUDIENCES.filter((audience) => rolesOf(audience, 'write').includes(role))
  return ['', ...written.map((audience) => audienceUri(space, audience))]
}

function profileOf(presented: co.kendev.spaces.memberProfile.Main) {
  const { displayName, spaceBio, interests } = presented
  return { displayName, spaceBio, interests }
}

function admit(subject: l.DidString) {
  return { subject, role: 'member', joinedAt: '2026-11-23T10:00:00Z' } as const
}
