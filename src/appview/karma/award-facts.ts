import type { Sql } from '../sql.ts'
import { AwardBook, type AwardFacts, type Counted, PAIR_WINDOW_MS } from './judge.ts'

/** Each award with what decides about it; $1 is the node's own account. */
const FACTS = `select a.uri, a.did, a.recipient, a.type, a."contributionType", a.points,
    a."createdAt" as at, case when a.did = $1 then 'node' else r.role end as role, b."bornAt",
    exists (select 1 from appview.revocation v
            where v.award = a.uri and v.did in (a.did, $1)) as revoked
  from appview.award a
  left join appview."nodeRole" r on r.subject = a.did and r.did = $1
  left join node."accountBirth" b on b.did = a.did`

/** What an award was judged by. */
export const FACT_COLUMNS = [
  'uri',
  'did',
  'recipient',
  'type',
  'contributionType',
  'points',
  'at',
  'revoked',
  'role',
  'bornAt',
] as const

const all = (row: string) => FACT_COLUMNS.map((name) => `${row}."${name}"`).join(', ')

/** The time of the first award of which something else is true than it was judged by; undefined
 *  when every judgement holds. Compares all awards. */
export async function firstChange(sql: Sql, node: string): Promise<Date | undefined> {
  const { rows } = await sql.query<{ since: Date | null }>(
    `select min(least(f.at, s.at)) as since
     from (${FACTS}) f full join node."awardStanding" s on s.uri = f.uri
     where (${all('f')}) is distinct from (${all('s')})`,
    [node],
  )
  return rows[0]?.since ?? undefined
}

/** All awards that were given at this time or later. */
export async function factsSince(sql: Sql, node: string, since: Date): Promise<AwardFacts[]> {
  const { rows } = await sql.query<AwardFacts>(`select * from (${FACTS}) f where f.at >= $2`, [
    node,
    since,
  ])
  return rows
}

/** What counted before this time, as far as it bears on awards of these people. */
export async function bookBefore(
  sql: Sql,
  since: Date,
  awards: readonly Pick<AwardFacts, 'did' | 'recipient'>[],
): Promise<AwardBook> {
  const authors = [...new Set(awards.map(({ did }) => did))]
  const recipients = [...new Set(awards.map(({ recipient }) => recipient))]
  const scores = await sql.query<{ did: string; score: number }>(SCORES, [
    since,
    [...new Set([...authors, ...recipients])],
  ])
  const book = new AwardBook(new Map(scores.rows.map(({ did, score }) => [did, score])))
  const from = new Date(since.getTime() - PAIR_WINDOW_MS)
  const recent = await sql.query<Counted>(RECENT, [since, from, authors, recipients])
  for (const counted of recent.rows) book.note(counted)
  return book
}

const SCORES = `select recipient as did, sum(points)::int as score from node."awardStanding"
  where reason is null and at < $1 and recipient = any($2) group by recipient`

const RECENT = `select did, recipient, points, at from node."awardStanding"
  where reason is null and at < $1 and at >= $2 and (did = any($3) or recipient = any($4))
  order by at, uri collate "C"`

/** Since when an account exists and which role it has here, as far as this node knows. */
export async function authorFacts(
  sql: Sql,
  node: string,
  did: string,
): Promise<Pick<AwardFacts, 'role' | 'bornAt'>> {
  const { rows } = await sql.query<Pick<AwardFacts, 'role' | 'bornAt'>>(
    `select r.role, b."bornAt" from (select $2::text as did) w
     left join appview."nodeRole" r on r.subject = w.did and r.did = $1
     left join node."accountBirth" b on b.did = w.did`,
    [node, did],
  )
  return rows[0]!
}
