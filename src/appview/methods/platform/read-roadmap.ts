import { co } from '../../../lexicons/index.ts'
import { roadmapFeature } from '../../collections/platform/roadmap-feature.ts'
import type { Row } from '../../define.ts'
import { notFound } from '../../not-found.ts'
import { featureViews, weightyVotes } from '../../roadmap.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { cutPage, decodeCursor } from '../../serve-list.ts'

type Deps = Reading & { readonly nodeAccount: () => Promise<string> }

/** More than any roadmap that people read has. */
const FEATURES_MAX = 1_000

/** `platform.getRoadmapFeature` and `listRoadmapFeatures`, for everybody: the roadmap of a node is
 *  what is in the repo of its own account. */
export function readRoadmap(mount: Mount, deps: Deps): void {
  const { sql, loads, nodeAccount } = deps
  const { platform } = co.kendev

  query(mount, platform.getRoadmapFeature, async ({ params, viewer }) => {
    const found = await loads.row(roadmapFeature, params.uri, viewer?.did)
    if (!found) throw notFound(params.uri)
    return (await featureViews({ ...deps, viewer: viewer?.did }, [found.row]))[0] as never
  })

  query(mount, platform.listRoadmapFeatures, async ({ params, viewer }) => {
    const { limit, cursor, sort = 'votes', ...filter } = params
    const { rows } = await sql.query<Row>(FIND, [
      filter.node ?? (await nodeAccount()),
      filter.status ?? null,
      filter.category ?? null,
      filter.tag ?? null,
      filter.quarterTarget ?? null,
    ])
    const ordered = sort === 'newest' ? rows : await byVotes(deps, rows)
    const column = sort === 'newest' ? 'createdAt' : 'votes'
    const left = cursor === undefined ? ordered : after(ordered, column, decodeCursor(cursor))
    const page = cutPage(left.slice(0, limit + 1), limit, column)
    const items = await featureViews({ ...deps, viewer: viewer?.did }, page.rows)
    return { items, cursor: page.cursor } as never
  })
}

const FIND = `select * from appview."roadmapFeature" where did = $1
    and ($2::text is null or status = $2) and ($3::text is null or category = $3)
    and ($4::text is null or tags @> array[$4]) and ($5::text is null or "quarterTarget" = $5)
  order by "createdAt" desc, uri desc limit ${FEATURES_MAX}`

/** The order that people see: by the votes that are shown. */
async function byVotes(deps: Deps, rows: readonly Row[]): Promise<Row[]> {
  const weighty = await weightyVotes(
    deps.sql,
    rows.map(({ uri }) => uri),
  )
  const votes = (row: Row) => {
    const { voting = {} } = row['content'] as { voting?: Voting }
    const { allowVoting = true, voteWeight = 1, finalVotes = 0 } = voting
    if (!allowVoting) return 0
    if (['completed', 'cancelled'].includes(String(row['status']))) return finalVotes
    return Number(row['voters']) + (weighty.get(row.uri) ?? 0) * (voteWeight - 1)
  }
  const counted = rows.map((row) => ({ ...row, votes: votes(row) }))
  return counted.toSorted((a, b) => b.votes - a.votes || (a.uri < b.uri ? 1 : -1))
}

type Voting = { allowVoting?: boolean; voteWeight?: number; finalVotes?: number }

/** What comes after a place, which need not be there any more. */
function after(
  rows: readonly Row[],
  column: string,
  [value, uri]: readonly [string, string],
): readonly Row[] {
  const rank = (of: unknown) => (of instanceof Date ? of.getTime() : Number(of))
  const at = /^-?\d+$/.test(value) ? Number(value) : Date.parse(value)
  return rows.filter((row) => {
    const own = rank(row[column])
    return own < at || (own === at && row.uri < uri)
  })
}
