import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { message } from '../../collections/spaces/message.ts'
import { type Row, instant } from '../../define.ts'
import { lookUp } from '../../look.ts'
import { requireMember } from '../../membership.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { type Stream, markRead, readersOf, unreadIn } from '../../read-markers.ts'
import { uriIn } from '../../reference.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & { readonly clock: Clock }

/** `spaces.markRead`, `getUnread` and `listReaders`: how far members have read (D-23). It is no
 *  record: others learn of it only as the author of a message, and only where the reader lets
 *  them. */
export function readState(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps

  query(mount, co.kendev.spaces.getUnread, async ({ params, viewer }) => {
    const { space } = params
    const { did } = required(viewer)
    const { seen } = await requireMember(sql, space, did)
    const found = await unreadIn(sql, space, did)
    const items = found.map(({ channel, place, unread, mentions, lastRead }) => ({
      ...(channel !== null && { channel: uriIn(place, channel) }),
      unread,
      mentions,
      ...(lastRead !== null && {
        lastRead: uriIn(channel === null ? seen.place : place, lastRead),
      }),
    }))
    return { items } as never
  })

  procedure(mount, co.kendev.spaces.markRead, async ({ input, viewer }) => {
    const { did } = viewer
    const row = await messageAt(deps, input.uri, did)
    await requireMember(sql, String(row['space']), did)
    const all = streamOf(row)
    const stream = input.thread ? all : { ...all, thread: '' }
    const upTo = { uri: row.uri, sentAt: row['sentAt'] as Date }
    const marker = await markRead(sql, { did, stream, upTo, now: clock.now() })
    return {
      space: marker.space,
      ...(marker.channel !== '' && { channel: uriIn(row.place, marker.channel) }),
      ...(marker.thread !== '' && { thread: uriIn(row.place, marker.thread) }),
      message: uriIn(row.place, marker.uri),
      readAt: instant(marker.readAt),
    } as never
  })

  query(mount, co.kendev.spaces.listReaders, async ({ params, viewer }) => {
    const { uri, limit, cursor } = params
    const { did } = required(viewer)
    const row = await messageAt(deps, uri, did)
    if (row.did !== did)
      throw new ForbiddenError('Who has read a message is for its author only.', 'Forbidden')
    const of = { uri: row.uri, sentAt: row['sentAt'] as Date }
    const about = { stream: streamOf(row), author: did, of, place: row.place }
    const found = await readersOf(sql, about, { limit, after: startOf(cursor) })
    const { page, next } = pageOf(found, limit)
    const look = await lookUp(
      { ...deps, viewer: did },
      page.map(({ id }) => id),
    )
    const items = page.map(({ id, createdAt }) => ({
      person: look.person(id as never),
      readAt: instant(createdAt),
    }))
    return { items, ...next } as never
  })
}

async function messageAt({ sql }: Deps, uri: string, viewer: string): Promise<Row> {
  const row = await findRow({ sql, viewer }, message, uri)
  if (!row) throw notFound(uri)
  return row
}

/** The thread a message is in; a message that answers none begins one. */
function streamOf(row: Row): Stream {
  const { space, channel, root } = row as Row & { channel: string | null; root: string | null }
  return { space: String(space), channel: channel ?? '', thread: root ?? row.uri }
}
