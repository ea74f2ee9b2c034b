import type { Sql } from '../sql.ts'
import { FACT_COLUMNS } from './award-facts.ts'
import { type JudgedAward, contributionOf } from './judge.ts'

/** Keeps how awards of this time and later were judged, and answers whose scores that may
 *  change. */
export async function keepStandings(
  tx: Sql,
  since: Date,
  judged: readonly JudgedAward[],
): Promise<string[]> {
  const gone = await tx.query<{ recipient: string }>(FORGET, [since])
  const rows = judged.map((award) => ({
    ...award,
    reason: award.reason ?? null,
    contribution: contributionOf(award),
  }))
  const before = await tx.query<{ recipient: string }>(BEFORE, [JSON.stringify(rows)])
  await tx.query(KEEP, [JSON.stringify(rows)])
  const concerned = [...gone.rows, ...before.rows, ...rows]
  return [...new Set(concerned.map(({ recipient }) => recipient))]
}

const FORGET = `delete from node."awardStanding" s
  where s.at >= $1 and not exists (select 1 from appview.award a where a.uri = s.uri)
  returning s.recipient`

/** An author may have changed who is recognised. */
const BEFORE = `select s.recipient from node."awardStanding" s
  join json_to_recordset($1::json) as f(uri text, recipient text) on f.uri = s.uri
  where f.recipient <> s.recipient`

const COLUMNS = [...FACT_COLUMNS, 'contribution', 'reason'].map((name) => `"${name}"`)
const listed = (row: string) => COLUMNS.map((name) => `${row}.${name}`).join(', ')

const KEEP = `insert into node."awardStanding" as t (${COLUMNS.join(', ')})
  select ${listed('f')} from json_to_recordset($1::json) as f(
    uri text, did text, recipient text, type text, "contributionType" text, points integer,
    at timestamptz, revoked boolean, role text, "bornAt" timestamptz, contribution text,
    reason text)
  on conflict (uri) do update set
    ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}
  where (${listed('t')}) is distinct from (${listed('excluded')})`
