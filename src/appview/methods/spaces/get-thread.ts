import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { visibleSql } from '../../readable.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { cutPage, decodeCursor, findRow } from '../../serve-list.ts'

type MessageView = co.kendev.spaces.defs.MessageView
type ThreadView = co.kendev.spaces.defs.ThreadView

const DEPTH_MAX = 32

/** `spaces.getThread`: a message with the replies under it, oldest first. A reply whose parent is
 *  not on the page, or is gone, hangs under the message asked for. */
export function getThread(mount: Mount, { sql, origin }: Reading): void {
  query(mount, co.kendev.spaces.getThread, async ({ params, viewer }) => {
    const { uri, depth, limit, cursor } = params
    const reading = { sql, viewer: viewer?.did }
    const top = await findRow(reading, message, uri)
    const at = cursor === undefined ? [null, null] : decodeCursor(cursor)
    const { rows } = await sql.query<Row>({ name: 'getThread', text: REPLIES }, [
      limit + 1,
      knownUri(uri),
      Math.min(depth, DEPTH_MAX),
      ...at,
      viewer?.did ?? '',
    ])
    const { rows: page, cursor: next } = cutPage(rows, limit, 'sentAt')
    const looking = { sql, origin, viewer: viewer?.did }
    const views = (await present(message, top ? [top, ...page] : page, looking)) as MessageView[]
    const head = top ? views[0] : undefined
    if (!head) return { thread: { $type: NOT_FOUND, uri, notFound: true }, cursor: next } as never
    return { thread: { ...nest(head, views.slice(1)), $type: THREAD }, cursor: next } as never
  })
}

const THREAD = `${co.kendev.spaces.defs.threadView.$type}` as const
const NOT_FOUND = `${co.kendev.spaces.defs.notFoundMessage.$type}` as const

const VISIBLE = visibleSql(message, 't', '$6').join(' and ')

/** Replies by their parent, down to the depth asked for. Each reply is under one message only, so
 *  without the first message itself they make a tree. */
const REPLIES = `with recursive under as (
    select t.uri, 1 as depth from appview.message t where t.parent = $2 and $3 > 0 and ${VISIBLE}
    union all
    select t.uri, u.depth + 1 from under u
    join appview.message t on t.parent = u.uri and ${VISIBLE}
    where u.depth < $3)
  select m.* from appview.message m
  where m.uri in (select uri from under) and m.uri <> $2
    and ($4::timestamptz is null or (m."sentAt", m.uri) > ($4, $5::text))
  order by m."sentAt", m.uri limit $1`

function nest(head: MessageView, replies: readonly MessageView[]): ThreadView {
  const threads = new Map<string, ThreadView>()
  const top: ThreadView = { message: head, replies: [] }
  threads.set(head.uri, top)
  for (const reply of replies) threads.set(reply.uri, { message: reply, replies: [] })
  for (const reply of replies) {
    const parent = threads.get(reply.reply?.parent.uri ?? '') ?? top
    parent.replies.push({ ...threads.get(reply.uri)!, $type: THREAD } as never)
  }
  return top
}
