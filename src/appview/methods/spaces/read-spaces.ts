import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { space as spaceRecord } from '../../collections/spaces/space.ts'
import type { Row } from '../../define.ts'
import { resolveActor } from '../../find-actor.ts'
import { present } from '../../look.ts'
import { spaceScores } from '../../member-activity.ts'
import { standingIn } from '../../membership.ts'
import { permissionsOf } from '../../permissions.ts'
import { readableSql } from '../../readable.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { paidAccess } from '../../subscriptions/paid-access.ts'
import { cutPage, decodeCursor } from '../../serve-list.ts'

/** `spaces.getSpace` and `spaces.listSpaces`: one space, those the viewer is in, and public ones,
 *  searched by name and description. Public spaces are for everybody, account or not; of all others
 *  only their members ever learn that they are there. */
export function readSpaces(mount: Mount, deps: Reading & { readonly clock: Clock }): void {
  const { sql, origin, clock } = deps
  const scoreOf = spaceScores(sql)

  query(mount, co.kendev.spaces.getSpace, async ({ params, viewer }) => {
    const did = await resolveActor(sql, params.space)
    const { rows } = await sql.query<Row>(SPACE, [did ?? '', viewer?.did ?? ''])
    if (!rows[0]) throw notFound(`space ${params.space}`)
    const [view] = await present(spaceRecord, rows, { sql, origin, viewer: viewer?.did })
    const space = rows[0].did
    const now = clock.now()
    const { stats } = view as { stats: object }
    const shown = { ...view, stats: { ...stats, engagementScore: await scoreOf(space, now) } }
    if (!viewer) return shown as never
    const [standing, contentAccess] = await Promise.all([
      standingIn(sql, space, viewer.did),
      paidAccess(sql, { space, did: viewer.did, now }),
    ])
    if (standing?.status !== 'active') return { ...shown, viewer: standing } as never
    const permissions = permissionsOf(standing, contentAccess !== undefined)
    return { ...shown, viewer: { ...standing, permissions, contentAccess } } as never
  })

  query(mount, co.kendev.spaces.listSpaces, async ({ params, viewer }) => {
    const { filter = 'public', q, limit, cursor } = params
    if (filter !== 'mine' && filter !== 'public')
      throw new InvalidRequestError('filter is either mine or public.', 'NotSupported')
    const member = filter === 'mine' ? required(viewer).did : undefined
    const after = cursor === undefined ? undefined : decodeCursor(cursor)
    const { text, values } = listStatement({ limit: limit + 1, member, q, after })
    const { rows } = await sql.query<Row>(text, values)
    const page = cutPage(rows, limit, 'createdAt')
    const items = await present(spaceRecord, page.rows, { sql, origin, viewer: viewer?.did })
    return { items, cursor: page.cursor } as never
  })
}

const SPACE = {
  name: 'getSpace',
  text: `select t.* from appview.space t where t.did = $1 and ${readableSql('t', '$2')}`,
}

/** Only the conditions asked for, so that the plan can use the index of each. */
function listStatement(wanted: {
  limit: number
  member: string | undefined
  q: string | undefined
  after: [string, string] | undefined
}): { text: string; values: unknown[] } {
  const { limit, member, q, after } = wanted
  const values: unknown[] = [limit]
  const given = (value: unknown) => `$${values.push(value)}`
  const who = member === undefined ? undefined : given(member)
  const where =
    who === undefined
      ? [`s.visibility = 'public'`, `s.place = ''`]
      : [
          `exists (select 1 from appview.membership m
            where m.did = s.did and m.subject = ${who} and m.active)`,
          readableSql('s', who),
        ]
  if (q !== undefined) where.push(`s.search @@ websearch_to_tsquery('simple', ${given(q)})`)
  if (after) where.push(`(s."createdAt", s.uri) < (${after.map(given).join(', ')})`)
  const text = `select s.* from appview.space s where ${where.join(' and ')}
    order by s."createdAt" desc, s.uri desc limit $1`
  return { text, values }
}
