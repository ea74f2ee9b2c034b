import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { type Look, collection, instant, list, part, text, timestamp } from '../../define.ts'
import { beginning, plainText } from '../../plain-text.ts'
import { isSlug, slugFrom } from '../../slug.ts'

type Post = co.kendev.content.post.Main

const EXCERPT_LENGTH = 160

/** An article of a space, with the people who wrote it. Drafts and scheduled posts stand in a
 *  permissioned repo until they are published (`domain.md` R-09, D-26, AC-09). */
export const post = collection({
  record: co.kendev.content.post,
  table: 'post',
  columns: {
    title: text(),
    slug: text(),
    excerpt: text(),
    categories: list(),
    tags: list(),
    authors: list<l.DidString>(),
    featuredImage: text().optional(),
    publishedAt: timestamp(),
    content: part<Post>(),
  },
  indexes: [['did', 'publishedAt']],
  people: ['authors'],
  media: ['featuredImage'],
  access: { places: 'either', audience: 'staff', manage: 'manage_space' },

  accept({ record, place }) {
    if (place === '' && (record.status ?? 'published') !== 'published') return 'NotPublic'
    if (record.slug !== undefined && !isSlug(record.slug)) return 'BadSlug'
    return undefined
  },

  row: ({ record, did, rkey, claimed }) => ({
    title: record.title,
    slug: record.slug ?? slugFrom(record.title, rkey),
    excerpt: record.excerpt?.trim() || beginning(plainText(record.content), EXCERPT_LENGTH),
    categories: record.categories ?? [],
    tags: record.tags ?? [],
    authors: record.authors?.length ? [...new Set(record.authors)] : [did],
    featuredImage: record.featuredImage ?? null,
    publishedAt: claimed(record.publishedAt ?? record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.content.defs.PostView => ({
    uri: row.uri,
    cid: row.cid,
    owner: row.did,
    tenant: content.tenant,
    title: row.title,
    content: content.content,
    excerpt: row.excerpt,
    slug: row.slug,
    categories: row.categories,
    status: content.status ?? 'published',
    publishedAt: instant(row.publishedAt),
    tags: row.tags,
    meta: content.meta,
    callToAction: content.callToAction,
    createdAt: content.createdAt,
    updatedAt: content.updatedAt,
    authors: row.authors.map(look.person),
    featuredImage: imageView(row.featuredImage, look),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.content.getPost,
  lists: [
    {
      query: co.kendev.content.listPosts,
      newest: 'publishedAt',
      where: {
        owner: 'did',
        category: ['has', 'categories'],
        tag: ['has', 'tags'],
        author: ['has', 'authors'],
      },
    },
  ],
  examples: {
    good: [
      {
        record: article({
          content: [{ $type: co.kendev.defs.paragraph.$type, text: 'Seven things to look at.' }],
          authors: ['did:plc:ada', 'did:plc:ben'],
          tags: ['winter'],
        }),
      },
      { record: article({ slug: 'ready-for-winter', excerpt: 'Be ready.', status: 'published' }) },
      { audience: 'staff', record: article({ status: 'draft' }) },
    ],
    bad: {
      NotPublic: { record: article({ status: 'scheduled' }) },
      BadSlug: { record: article({ slug: 'ready/for/winter' }) },
    },
  },
})

/** Absent while this node does not know the media record. */
function imageView(media: string | null, look: Pick<Look, 'media'>) {
  const medium = media === null ? undefined : look.media(media)
  return medium && media !== null ? { ...medium, media } : undefined
}

function article(content: Partial<Post>): Omit<Post, '$type'> {
  return { title: 'Is your car ready for winter?', createdAt: '2026-11-23T10:00:00Z', ...content }
}
