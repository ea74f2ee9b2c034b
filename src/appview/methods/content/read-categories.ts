import { co } from '../../../lexicons/index.ts'
import { category } from '../../collections/content/category.ts'
import type { List, Row } from '../../define.ts'
import { present } from '../../look.ts'
import { findRow, listRows } from '../../serve-list.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

type View = co.kendev.content.defs.CategoryView

const BY_PLACE: List = {
  query: co.kendev.content.listCategories,
  newest: 'rank',
  where: { owner: 'did', kind: 'kind', parent: 'parent' },
}

/** Mounts what reads categories. Their path hangs on every category above, also on those that
 *  change later or are not here yet, so it is looked up for each answer (`domain.md` D-31). */
export function readCategories(mount: Mount, reading: Reading): void {
  query(mount, co.kendev.content.getCategory, async ({ params: { uri }, viewer }) => {
    const looking = { ...reading, viewer: viewer?.did }
    const row = await findRow(looking, category, uri)
    if (!row) throw notFound(uri)
    return (await categoryViews([row], reading))[0]!
  })
  query(mount, co.kendev.content.listCategories, async ({ params, viewer }) => {
    const looking = { ...reading, viewer: viewer?.did }
    const { rows, cursor } = await listRows(looking, category, BY_PLACE, params)
    return { items: await categoryViews(rows, reading), cursor }
  })
}

/** The views of these categories, each with its path and depth. */
export async function categoryViews(rows: readonly Row[], reading: Reading): Promise<View[]> {
  const [views, above] = await Promise.all([
    present(category, rows, reading),
    slugsAbove(reading.sql, rows),
  ])
  return (views as (Omit<View, 'path' | 'depth'> & { slug: string })[]).map((view) => {
    const slugs = above.get(view.uri) ?? []
    return { ...view, path: [...slugs, view.slug].join('/'), depth: slugs.length }
  })
}

/** The slugs on the way from the top down to each category, itself left out. The way ends where a
 *  parent is unknown, where it comes round to itself, or after ten steps. */
async function slugsAbove(sql: Sql, rows: readonly Row[]): Promise<Map<string, string[]>> {
  if (rows.length === 0) return new Map()
  const found = await sql.query<{ uri: string; slugs: string[] }>(ABOVE, [rows.map((r) => r.uri)])
  return new Map(found.rows.map(({ uri, slugs }) => [uri, slugs]))
}

const DEPTH_MAX = 10

const ABOVE = {
  name: 'categories above',
  text: `with recursive way as (
      select c.uri, c.parent, array[c.uri] as seen, array[]::text[] as slugs
      from appview.category c where c.uri = any($1)
    union all
      select w.uri, p.parent, w.seen || p.uri, p.slug || w.slugs
      from way w join appview.category p on p.uri = w.parent
      where not p.uri = any(w.seen) and cardinality(w.slugs) < ${DEPTH_MAX}
    )
    select distinct on (uri) uri, slugs from way order by uri, cardinality(slugs) desc`,
}
