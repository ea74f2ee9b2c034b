import type { Sql } from '../../database/sql.ts'
import type { RepoSource, RepoState } from './plan-writes.ts'
import { SetHash } from '../format/set-hash.ts'

/** Which repo, the state believed of it, and the paths whose CIDs are asked for. */
export type StateQuestion = {
  space: string
  did: string
  believed: RepoState | undefined
  paths: readonly { collection: string; rkey: string }[]
}

/** A repo as it is, and the CIDs held at the paths; undefined for none. */
export type FoundState = { state: RepoState; held: ReadonlyMap<string, string> } | undefined

type Row = {
  n: string
  rev: string
  source: RepoSource | null
  state: Uint8Array | null
  held: Record<string, string> | null
}

/** Reads repos and CIDs of some of their records, all as of one moment. What is believed is
 *  answered as it is, when it is still so. */
export async function readStates(
  sql: Sql,
  questions: readonly StateQuestion[],
): Promise<FoundState[]> {
  const paths = questions.flatMap(({ paths: asked }, at) => asked.map((path) => ({ ...path, at })))
  const { rows } = await sql.query<Row>({ name: 'repo-states', text: READ }, [
    questions.map(({ space }) => space),
    questions.map(({ did }) => did),
    questions.map(({ believed }) => believed?.rev ?? null),
    paths.map(({ at }) => at + 1),
    paths.map(({ collection }) => collection),
    paths.map(({ rkey }) => rkey),
  ])
  const found: FoundState[] = questions.map(() => undefined)
  for (const { n, rev, source, state, held } of rows) {
    const at = Number(n) - 1
    const known = state ? { rev, source, setHash: new SetHash(state) } : questions[at]?.believed
    if (known) found[at] = { state: known, held: new Map(Object.entries(held ?? {})) }
  }
  return found
}

const READ = `
with path as materialized (
  select * from unnest($4::bigint[], $5::text[], $6::text[]) as p (n, collection, rkey))
select j.n, r.rev, case when r."deletedAt" is null then r.source end as source,
  case when j.believed is distinct from r.rev then r."setHash" end as state,
  (select json_object_agg(c.collection || '/' || c.rkey, c.cid) from path p join repo.record c
    on c.space = r.space and c.did = r.did and c.collection = p.collection and c.rkey = p.rkey
    where p.n = j.n) as held
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as j (space, did, believed, n)
  join repo.repo r on r.space = j.space and r.did = j.did`
