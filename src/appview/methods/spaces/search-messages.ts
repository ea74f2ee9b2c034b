import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { requireSpace } from '../../membership.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { decodeCursor, encodeCursor } from '../../serve-list.ts'

/** `spaces.searchMessages`: the messages of a space that hold all the words, newest first. Words
 *  in quotes stand together, a word after a minus must be absent. */
export function searchMessages(mount: Mount, { sql, origin }: Reading): void {
  query(mount, co.kendev.spaces.searchMessages, async ({ params, viewer }) => {
    const { space, q, channel, author, limit, cursor } = params
    await requireSpace(sql, space)
    const at = cursor === undefined ? [null, null] : decodeCursor(cursor)
    const { rows } = await sql.query<Row>({ name: 'searchMessages', text: SEARCH }, [
      limit + 1,
      space,
      q,
      channel ?? null,
      author ?? null,
      ...at,
    ])
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      items: await present(message, page, { sql, origin, viewer: viewer?.did }),
      cursor: rows.length > limit && last ? encodeCursor(last.sentAt, last.uri) : undefined,
    } as never
  })
}

const SEARCH = `select * from appview.message
  where space = $2 and admitted and search @@ websearch_to_tsquery('simple', $3)
    and ($4::text is null or channel = $4) and ($5::text is null or did = $5)
    and ($6::timestamptz is null or ("sentAt", uri) < ($6, $7::text))
  order by "sentAt" desc, uri desc limit $1`
