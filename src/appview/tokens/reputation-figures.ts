import type { co } from '../../lexicons/index.ts'
import {
  type Contribution,
  contributionLevel,
  humanWorthScore,
  networkInfluence,
  trustRating,
} from '../karma/reputation.ts'
import { readKarma } from '../karma/read-karma.ts'
import type { Sql } from '../sql.ts'
import { findPersons } from './find-persons.ts'
import { STATED } from './transfer-states.ts'

/** What an account stands for, by its awards and transfers; undefined where it does not show its
 *  karma to the viewer. */
export async function reputationOf(
  sql: Sql,
  { ledger, did, viewer }: { ledger: string; did: string; viewer: string | undefined },
): Promise<co.kendev.tokens.defs.Reputation | undefined> {
  const karma = (await readKarma(sql, [did], viewer)).get(did)
  if (!karma) return undefined
  const [counts, recognition, isHuman] = await Promise.all([
    sql.query<Counts>({ name: 'token counts', text: COUNTS }, [ledger, did]),
    sql.query<{ people: number; nodes: number }>({ name: 'token recognisers', text: RECOGNISERS }, [
      ledger,
      did,
    ]),
    isPerson(sql, ledger, did),
  ])
  const { people, nodes } = recognition.rows[0]!
  const points = Object.fromEntries(karma.contributions.map((one) => [one.type, one.points]))
  return {
    humanWorthScore: humanWorthScore(points as Partial<Record<Contribution, number>>, isHuman),
    contributionLevel: contributionLevel(karma.score),
    trustRating: trustRating({ ...counts.rows[0]!, upheldFlags: 0 }),
    networkInfluence: networkInfluence(people, Math.max(nodes, 1)),
  }
}

type Counts = {
  confirmedTransfers: number
  acceptedAwards: number
  failed: number
  reversed: number
}

async function isPerson(sql: Sql, ledger: string, did: string): Promise<boolean> {
  const { rows } = await sql.query<{ id: string }>({ name: 'token epoch', text: NEWEST }, [ledger])
  const [epoch] = rows
  return (
    epoch !== undefined && (await findPersons(sql, [epoch.id], [did])).bucketOf(epoch.id, did) > 0
  )
}

const NEWEST = `select id from node."tokenEpoch" where ledger = $1 order by epoch desc limit 1`

const COUNTS = `select
    (count(*) filter (where s.status = 'confirmed'))::int as "confirmedTransfers",
    (count(*) filter (where s.status = 'failed'))::int as failed,
    (count(*) filter (where s.status = 'reversed'))::int as reversed,
    (select count(*)::int from node."awardStanding" a
      where a.recipient = $2 and a.reason is null) as "acceptedAwards"
  from ${STATED} s where s.did = $2 and s.ledger = $1`

const RECOGNISERS = `with w as (
    select s.did from node."awardStanding" s where s.recipient = $2 and s.reason is null
    union
    select k.account from node."tokenPosting" p join node."tokenContent" k on k.id = p.transfer
    where p.ledger = $1 and p.account = $2 and p.amount > 0 and p.reason = 'peer_recognition')
  select count(*)::int as people, count(distinct a.pds)::int as nodes
  from w left join appview.account a on a.did = w.did`
