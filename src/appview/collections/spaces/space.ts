import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { blobOf } from '../../blob.ts'
import { collection, count, instant, newest, part, text, timestamp } from '../../define.ts'

/** A community or a business with a repo of its own; this record describes it. What its members
 *  contribute lives in their repos, so its figures are counted, never claimed (D-13). */
export const space = collection({
  record: co.kendev.spaces.space,
  table: 'space',
  columns: {
    name: text(),
    description: text().optional(),
    visibility: text(),
    memberApproval: text(),
    createdAt: timestamp(),
    content: part<co.kendev.spaces.space.Main>(),
  },
  derived: {
    memberCount: count({
      source: 'membership',
      on: { did: 'did' },
      where: { active: true, status: 'active' },
    }),
    messageCount: count({
      source: 'message',
      on: { space: 'did' },
      where: { admitted: true, retired: false },
    }),
    channelCount: count({ source: 'channel', on: { did: 'did' } }),
    lastActivity: newest(timestamp(), {
      source: 'message',
      on: { space: 'did' },
      where: { admitted: true, retired: false },
      value: 'sentAt',
      by: 'sentAt',
    }),
  },
  indexes: [['visibility', 'createdAt']],
  search: ['name', 'description'],
  feed: 'did',
  people: ['did'],
  access: { places: 'either', manage: 'manage_space' },

  accept({ record, place }) {
    const open = (record.visibility ?? 'public') === 'public'
    if (place === '' && !open) return 'NotPublic'
    if (place !== '' && open) return 'NotPrivate'
    return undefined
  },

  row: ({ record, claimed }) => ({
    name: record.name,
    description: record.description ?? null,
    visibility: record.visibility ?? 'public',
    memberApproval: record.memberApproval ?? 'automatic',
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: (row, look): co.kendev.spaces.defs.SpaceView => ({
    uri: row.uri,
    cid: row.cid,
    did: row.did,
    handle: look.person(row.did).handle,
    name: row.name,
    description: row.description ?? undefined,
    slug: row.content.slug,
    tenant: row.content.tenant,
    businessIdentity: row.content.businessIdentity,
    commerceSettings: row.content.commerceSettings,
    monetization: row.content.monetization,
    integrations: row.content.integrations,
    theme: themeView(row.content.theme, (cid) => look.blobUrl(row.did, cid, row.place)),
    visibility: row.visibility,
    memberApproval: row.memberApproval,
    inviteSettings: row.content.inviteSettings,
    createdAt: instant(row.createdAt),
    updatedAt: row.content.updatedAt,
    stats: {
      memberCount: row.memberCount,
      messageCount: row.messageCount,
      channelCount: row.channelCount,
      lastActivity: row.lastActivity ? instant(row.lastActivity) : undefined,
    },
    indexedAt: instant(row.indexedAt),
  }),

  examples: {
    good: [
      { rkey: 'self', record: { name: 'Corner Garage', createdAt: '2026-11-23T10:00:00Z' } },
      {
        did: 'did:plc:club',
        rkey: 'self',
        audience: 'members',
        record: { name: 'Back Room', visibility: 'private', createdAt: '2026-11-23T10:00:00Z' },
      },
    ],
    bad: {
      NotPrivate: {
        rkey: 'self',
        audience: 'members',
        record: { name: 'Corner Garage', createdAt: '2026-11-23T10:00:00Z' },
      },
      NotPublic: {
        rkey: 'self',
        record: { name: 'Back Room', visibility: 'private', createdAt: '2026-11-23T10:00:00Z' },
      },
    },
  },
})

function themeView(
  theme: co.kendev.spaces.space.Theme | undefined,
  url: (cid: string) => l.UriString,
): co.kendev.spaces.defs.ThemeView | undefined {
  if (!theme) return undefined
  return {
    logo: theme.logo && url(blobOf(theme.logo).cid),
    banner: theme.banner && url(blobOf(theme.banner).cid),
    primaryColor: theme.primaryColor,
    secondaryColor: theme.secondaryColor,
    customCss: theme.customCss,
  }
}
