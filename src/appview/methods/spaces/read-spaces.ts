import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { space } from '../../collections/spaces/space.ts'
import type { Row } from '../../define.ts'
import { resolveActor } from '../../find-actor.ts'
import { present } from '../../look.ts'
import { standingIn } from '../../membership.ts'
import { type Mount, type Reading, notFound, query } from '../../serve.ts'
import { cutPage, decodeCursor } from '../../serve-list.ts'

/** `spaces.getSpace` and `spaces.listSpaces`: one space, those the viewer is in, and public ones,
 *  searched by name and description. Public spaces are for everybody, account or not. */
export function readSpaces(mount: Mount, { sql, origin }: Reading): void {
  query(mount, co.kendev.spaces.getSpace, async ({ params, viewer }) => {
    const did = await resolveActor(sql, params.space)
    const { rows } = await sql.query<Row>(
      { name: 'getSpace', text: 'select * from appview.space where did = $1' },
      [did ?? ''],
    )
    if (!rows[0]) throw notFound(`space ${params.space}`)
    const [view] = await present(space, rows, { sql, origin, viewer: viewer?.did })
    if (!viewer) return view as never
    return { ...view, viewer: await standingIn(sql, rows[0].did, viewer.did) } as never
  })

  query(mount, co.kendev.spaces.listSpaces, async ({ params, viewer }) => {
    const { filter = 'public', q, limit, cursor } = params
    if (filter !== 'mine' && filter !== 'public')
      throw new InvalidRequestError('filter is either mine or public.', 'NotSupported')
    const mine = filter === 'mine' ? required(viewer).did : null
    const at = cursor === undefined ? [null, null] : decodeCursor(cursor)
    const { rows } = await sql.query<Row>({ name: 'listSpaces', text: LIST }, [
      limit + 1,
      mine,
      q ?? null,
      ...at,
    ])
    const page = cutPage(rows, limit, 'createdAt')
    const items = await present(space, page.rows, { sql, origin, viewer: viewer?.did })
    return { items, cursor: page.cursor } as never
  })
}

const LIST = `select s.* from appview.space s
  where ($2::text is not null or s.visibility = 'public')
    and ($2::text is null or exists (select 1 from appview.membership m
         where m.did = s.did and m.subject = $2 and m.active))
    and ($3::text is null or s.search @@ websearch_to_tsquery('simple', $3))
    and ($4::timestamptz is null or (s."createdAt", s.uri) < ($4, $5::text))
  order by s."createdAt" desc, s.uri desc limit $1`
