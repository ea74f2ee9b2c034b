import type { Job } from '../../jobs/jobs.ts'
import { appendAudit } from '../audit.ts'
import { noticeJob } from '../notify.ts'
import type { Sql } from '../sql.ts'
import type { KarmaOptions } from './keep-karma.ts'
import { ANGEL_SCORE } from './reputation.ts'

type Keeping = Pick<KarmaOptions, 'clock' | 'nextTid'> & {
  readonly node: string
  readonly queue: (job: Job) => Promise<void>
}

/** Adds up what the awards of these people come to. Who becomes a guardian angel by it or ceases to
 *  be one is told, and it is noted in the audit of the node (`domain.md` D-02). */
export async function keepScores(
  tx: Sql,
  dids: readonly string[],
  keeping: Keeping,
): Promise<void> {
  const { rows } = await tx.query<Score & { was: number | null }>(SCORES, [dids])
  await tx.query(KEEP, [JSON.stringify(rows)])
  for (const score of rows.toSorted((a, b) => (a.did < b.did ? -1 : 1))) {
    const [was, is] = [(score.was ?? 0) >= ANGEL_SCORE, score.score >= ANGEL_SCORE]
    if (was !== is) await tell(tx, keeping, { ...score, is })
  }
}

type Score = { did: string; score: number; recognisers: number; contributions: object }

async function tell(
  tx: Sql,
  { node, queue, clock, nextTid }: Keeping,
  { did, score, is }: Pick<Score, 'did' | 'score'> & { is: boolean },
): Promise<void> {
  const action = is ? 'becomeGuardianAngel' : 'ceaseToBeGuardianAngel'
  await appendAudit(tx, { chain: node, actor: node, action, subject: did, at: clock.now() })
  const { rows } = await tx.query(UNWANTED, [did])
  if (rows.length > 0) return
  const kind = is ? 'guardianAngelGained' : 'guardianAngelLost'
  const data = { score: String(score) }
  await queue(noticeJob({ recipient: did, kind, key: nextTid(), subject: did, data }))
}

const UNWANTED = 'select 1 from node.preference where did = $1 and not "guardianAngelAlerts"'

const COUNTED = `node."awardStanding" s where s.recipient = w.did and s.reason is null`

const SCORES = `select w.did, k.score as was,
    (select coalesce(sum(s.points), 0)::int from ${COUNTED}) as score,
    (select count(distinct s.did)::int from ${COUNTED}) as recognisers,
    (select coalesce(jsonb_object_agg(c.contribution, c.points), '{}') from (
      select s.contribution, sum(s.points)::int as points from ${COUNTED} group by 1) c)
      as contributions
  from unnest($1::text[]) w(did) left join node.karma k on k.did = w.did`

const KEEP = `insert into node.karma (did, score, recognisers, contributions)
  select did, score, recognisers, contributions from json_to_recordset($1::json) as f(
    did text, score integer, recognisers integer, contributions jsonb)
  on conflict (did) do update set score = excluded.score, recognisers = excluded.recognisers,
    contributions = excluded.contributions`
