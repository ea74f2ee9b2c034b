import { message } from './collections/spaces/message.ts'
import { channel } from './collections/spaces/channel.ts'
import { readableSql, visibleSql } from './readable.ts'
import type { Sql } from './sql.ts'

/** A stretch of messages that somebody reads through: a channel, what is said to a space as a whole
 *  (empty), or a thread in either. */
export type Stream = { readonly space: string; readonly channel: string; readonly thread: string }

/** How far somebody has read in a stream. */
export type ReadMarker = Stream & { readonly uri: string; readonly readAt: Date }

/** A message as the tables know it. */
export type Place = { readonly uri: string; readonly sentAt: Date }

/** Moves somebody's marker on to a message, and answers where it is then: it never moves back, so
 *  of two moves at once the newer message is kept. */
export async function markRead(
  sql: Sql,
  { did, stream, upTo, now }: { did: string; stream: Stream; upTo: Place; now: Date },
): Promise<ReadMarker> {
  const { space, channel: at, thread } = stream
  const where = [did, space, at, thread]
  await sql.query(MOVE, [...where, upTo.sentAt, upTo.uri, now])
  const { rows } = await sql.query<ReadMarker>(FIND, where)
  return rows[0]!
}

const MOVE = `insert into node."readMarker" as m
    (did, space, channel, thread, "sentAt", uri, "readAt")
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (did, space, channel, thread) do update
    set "sentAt" = excluded."sentAt", uri = excluded.uri, "readAt" = excluded."readAt"
    where (m."sentAt", m.uri) < (excluded."sentAt", excluded.uri)`

const FIND = `select space, channel, thread, uri, "readAt" from node."readMarker"
  where did = $1 and space = $2 and channel = $3 and thread = $4`

/** What waits to be read in a stream. */
export type Unread = {
  /** The channel; null for what is said to the space as a whole. */
  readonly channel: string | null
  readonly place: string
  readonly unread: number
  readonly mentions: number
  /** The newest message that was read; null before the first. */
  readonly lastRead: string | null
}

const CHANNELS_MAX = 500
const COUNTED_MAX = 1_000

/** What a member has not read yet in a space, up to a thousand for each channel: messages of others
 *  that they may see, sent since they joined, and after their marker in the channel and in the
 *  thread. */
export async function unreadIn(sql: Sql, space: string, did: string): Promise<Unread[]> {
  const streams = [`select null::text as channel, '' as place`, CHANNELS]
  const found = await Promise.all(
    streams.map((text, n) => {
      const counts = n === 0 ? `t.channel is null` : `t.channel = s.channel`
      const name = `unread ${n}`
      return sql.query<Unread>({ name, text: unreadSql(text, counts) }, [space, did])
    }),
  )
  return found.flatMap(({ rows }) => rows)
}

const CHANNELS = `select c.uri as channel, c.place from appview.channel c
  where c.did = $1 and ${visibleSql(channel, 'c', '$2').join(' and ')}
  order by c."createdAt", c.uri limit ${CHANNELS_MAX}`

const MENTIONED = `jsonb_path_exists(t.content, '$.facets[*].features[*].did ? (@ == $did)',
  jsonb_build_object('did', $2::text))`

const unreadSql = (streams: string, counts: string) => `
  select s.channel, s.place, n.unread, n.mentions, m.uri as "lastRead"
  from (${streams}) s
  left join node."readMarker" m on m.did = $2 and m.space = $1
    and m.channel = coalesce(s.channel, '') and m.thread = ''
  cross join lateral (
    select count(*)::int as unread, count(*) filter (where x.mentioned)::int as mentions
    from (select ${MENTIONED} as mentioned from appview.message t
      where t.space = $1 and ${counts} and t.did <> $2 and not t.archived
        and (t."sentAt", t.uri) > (coalesce(m."sentAt", (
          select a."joinedAt" from appview.membership a where a.did = $1 and a.subject = $2
        ), '-infinity'), coalesce(m.uri, ''))
        and not exists (select 1 from node."readMarker" r
          where r.did = $2 and r.space = $1 and r.channel = coalesce(s.channel, '')
            and r.thread = coalesce(t.root, t.uri)
            and (r."sentAt", r.uri) >= (t."sentAt", t.uri))
        and ${visibleSql(message, 't', '$2').join(' and ')}
      limit ${COUNTED_MAX}) x) n`

/** Somebody who has read a message. */
export type Reader = { readonly id: string; readonly createdAt: Date }

/** Who has read a message of somebody else's and lets it be known: active members who were there
 *  when it was sent and may read it, the last to have read first, one more than the page holds. */
export async function readersOf(
  sql: Sql,
  { stream, author, of, place }: { stream: Stream; author: string; of: Place; place: string },
  page: { limit: number; after: readonly [string, string] | readonly [] },
): Promise<Reader[]> {
  const { space, channel: at, thread } = stream
  const [time = null, id = null] = page.after
  const about = [space, at, thread, of.sentAt, of.uri, author, place]
  const { rows } = await sql.query<Reader>({ name: 'readers', text: READERS }, [
    ...about,
    page.limit + 1,
    time,
    id,
  ])
  return rows
}

const READERS = `with w as (select $7::text as place), readers as (
    select k.did as id, min(k."readAt") as "createdAt"
    from node."readMarker" k cross join w
    join node.preference p on p.did = k.did and p."readReceipts"
    join appview.membership a on a.did = $1 and a.subject = k.did
      and a.status = 'active' and a.active and a."joinedAt" <= $4
    where k.space = $1 and k.channel = $2 and k.thread in ('', $3)
      and (k."sentAt", k.uri) >= ($4, $5) and k.did <> $6 and ${readableSql('w', 'k.did')}
    group by k.did)
  select * from readers
  where $9::timestamptz is null or ("createdAt", id) < ($9, $10)
  order by "createdAt" desc, id desc limit $8`
