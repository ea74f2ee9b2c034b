import { co } from '../../../lexicons/index.ts'
import { blobOf } from '../../blob.ts'
import { collection, instant, part, text } from '../../define.ts'

/** How a person or an organisation presents itself. Karma, roles and verification are never part
 *  of it: they count only from the repo of whoever may grant them. */
export const profile = collection({
  record: co.kendev.actor.profile,
  table: 'profile',
  columns: {
    displayName: text().optional(),
    avatar: text().optional(),
    banner: text().optional(),
    content: part<co.kendev.actor.profile.Main>(),
  },
  people: ['did'],
  access: { places: 'public' },

  row: ({ record }) => ({
    displayName: record.displayName ?? null,
    avatar: record.avatar ? blobOf(record.avatar).cid : null,
    banner: record.banner ? blobOf(record.banner).cid : null,
    content: record,
  }),

  view: ({ did, content, banner, indexedAt }, look): co.kendev.actor.defs.ProfileView => ({
    ...look.person(did),
    firstName: content.firstName,
    lastName: content.lastName,
    description: content.description,
    banner: banner === null ? undefined : look.blobUrl(did, banner),
    website: content.website,
    contributionTypes: content.contributionTypes,
    createdAt: content.createdAt,
    indexedAt: instant(indexedAt),
  }),

  examples: {
    good: [
      {
        rkey: 'self',
        record: {
          displayName: 'Ada',
          description: 'Mends cars.',
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
  },
})
