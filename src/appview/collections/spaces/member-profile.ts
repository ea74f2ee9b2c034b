import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, exists, instant, part, timestamp } from '../../define.ts'

type Profile = co.kendev.spaces.memberProfile.Main

/** How a member presents themselves in one space (`domain.md` F.6). It is theirs, in their repo,
 *  for those who read where they write in that space; shown while the space lets them. */
export const memberProfile = collection({
  record: co.kendev.spaces.memberProfile,
  table: 'memberProfile',
  owner: 'space',
  columns: { space: did(), createdAt: timestamp(), content: part<Profile>() },
  derived: {
    admitted: exists({
      source: 'membership',
      on: { did: 'space', subject: 'did' },
      places: 'writes',
    }),
  },
  indexes: [['space', 'admitted', 'createdAt']],
  shown: 'admitted',
  people: ['did'],
  access: { places: 'either' },

  row: ({ record, claimed }) => ({
    space: record.space,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.spaces.defs.MemberProfileView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.space,
    subject: row.did,
    profile: look.person(row.did),
    displayName: content.displayName,
    spaceBio: content.spaceBio,
    interests: content.interests,
    onboardingCompleted: content.onboardingCompleted,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getMemberProfile,
  lists: [
    {
      query: co.kendev.spaces.listMemberProfiles,
      newest: 'createdAt',
      where: { space: 'space' },
    },
  ],
  examples: {
    good: [
      { record: present('did:plc:garage') },
      { audience: 'members', record: present('did:plc:garage') },
    ],
  },
})

function present(space: l.DidString): Omit<Profile, '$type'> {
  return {
    space,
    displayName: 'Ben',
    spaceBio: 'I mend what others throw away.',
    interests: ['lifts', 'brakes'],
    onboardingCompleted: true,
    createdAt: '2026-11-23T10:00:00Z',
  }
}
