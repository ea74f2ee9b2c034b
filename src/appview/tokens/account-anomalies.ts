import { type SeenTransfer, anomalyFlags } from '../../tokens/worth/anomaly-flags.ts'
import { quoteFor } from '../../tokens/worth/exchange-state.ts'
import type { Exchange, ExchangeAnswer } from '../../tokens/worth/unmatched-legs.ts'
import type { Transfer } from '../../tokens/transfer.ts'
import type { Sql } from '../sql.ts'
import { type KeptQuote, historiesOf } from './exchange-histories.ts'
import { type Persons, findPersons } from './find-persons.ts'
import { STATED } from './transfer-states.ts'

/** Most transfers of each way that are looked at. */
const OWN_MAX = 200
/** Most transfers between those the account deals with that are looked at. */
const AROUND_MAX = 500

/** What is odd about the last transfers of an account on a ledger (`domain.md` N-09), and about its
 *  exchanges as a liquidity provider on any. */
export async function anomaliesOf(
  sql: Sql,
  { ledger, did, now }: { ledger: string; did: string; now: Date },
): Promise<string[]> {
  const [sent, received, evidence] = await Promise.all([
    sql.query<Row>({ name: 'token sent', text: SENT }, [ledger, did, OWN_MAX]),
    sql.query<Row>({ name: 'token received', text: RECEIVED }, [ledger, did, OWN_MAX]),
    sql.query<Twice>({ name: 'token evidence', text: EVIDENCE }, [ledger, did]),
  ])
  const rows = [...sent.rows, ...received.rows]
  const dealings = rows.map(({ did: from, content: { credits } }) => ({ from, credits }))
  const others = dealings.flatMap(({ from, credits }) => [from, ...credits.map(({ to }) => to)])
  const near = [...new Set(others)].filter((one) => one !== did)
  const [around, births, exchanges, persons, balance] = await Promise.all([
    sql.query<Row>({ name: 'token around', text: AROUND }, [ledger, near, AROUND_MAX]),
    sql.query<{ did: string; bornAt: Date }>({ name: 'token births', text: BIRTHS }, [near]),
    providedBy(sql, did, now.getTime()),
    witnessesOf(sql, rows),
    balanceOf(sql, ledger, did),
  ])
  const isWhole = sent.rows.length < OWN_MAX
  const isAll = isWhole && received.rows.length < OWN_MAX
  return anomalyFlags({
    account: did,
    transfers: [
      ...rows.map((row) => seen(row, persons)),
      ...evidence.rows.flatMap((row) => twice(did, row)),
    ],
    around: around.rows.map((row) => seen(row)),
    ...exchanges,
    ...(isAll && { balance }),
    seqBefore: isWhole ? 0 : Math.min(...sent.rows.map(({ content }) => content.seq)) - 1,
    bornAt: new Map(births.rows.map((one) => [one.did, one.bornAt.toISOString()])),
    now: now.getTime(),
  })
}

type Row = {
  id: string
  did: string
  content: Pick<Transfer, 'epoch' | 'seq' | 'kind' | 'credits' | 'witnesses'>
  at: Date
  isCounted: boolean | null
  before: string | null
  epochId: string | null
}

/** Where witnesses belong by the snapshots that the transfers' epochs pin; those who are not in it
 *  are nobody. */
async function witnessesOf(sql: Sql, rows: readonly Row[]): Promise<Persons> {
  const witnesses = rows.flatMap(({ content }) => content.witnesses ?? [])
  const epochs = rows.flatMap(({ epochId }) => epochId ?? [])
  return findPersons(
    sql,
    epochs,
    witnesses.map((one) => one.did),
  )
}

/** What it was granted and what burned of it, and what it is said to have. */
async function balanceOf(sql: Sql, ledger: string, did: string) {
  type Sums = { opening: string; stated: string }
  const { rows } = await sql.query<Sums>({ name: 'token sums', text: BALANCE }, [ledger, did])
  return { opening: BigInt(rows[0]!.opening), stated: BigInt(rows[0]!.stated) }
}

/** The exchanges of an account as who delivers. An answer to nobody known is not held against it
 *  before its time is up. */
async function providedBy(
  sql: Sql,
  did: string,
  now: number,
): Promise<{ exchanges: Exchange[]; answers: ExchangeAnswer[] }> {
  const { rows } = await sql.query<KeptQuote>({ name: 'token provided', text: PROVIDED }, [
    did,
    OWN_MAX,
  ])
  const histories = await historiesOf(sql, rows)
  const exchanges = histories.flatMap((history) =>
    history.payments.map((paid) => ({
      paid,
      quote: quoteFor(history, paid),
      deliverBy: history.deliverBy,
    })),
  )
  const answers = histories.flatMap(({ answers: all, payments, deliverBy }) => {
    const ids = new Set(payments.map(({ id }) => id))
    return all.filter((one) => now >= deliverBy || ids.has(one.answers))
  })
  return { exchanges, answers }
}

function seen(row: Row, persons?: Persons): SeenTransfer {
  const { id, did, content, at, isCounted, before, epochId } = row
  const { epoch, seq, kind, credits, witnesses = [] } = content
  return {
    id,
    from: did,
    epoch,
    seq,
    kind,
    at: at.toISOString(),
    isCertified: isCounted === true,
    credits: credits.map((one) => ({ ...one, amount: BigInt(one.amount) })),
    witnesses: new Set(witnesses.flatMap((one) => persons?.clusterOf(epochId ?? '', one.did) ?? []))
      .size,
    ...(before !== null && { balanceBefore: BigInt(before) }),
  }
}

type Twice = { epoch: number; seq: string; transfers: string[]; at: Date }

/** Two transfers with one number, of which nothing is told but that. */
function twice(from: string, { epoch, seq, transfers, at }: Twice): SeenTransfer[] {
  const said = {
    from,
    epoch,
    seq: Number(seq),
    kind: 'peer_recognition',
    at: at.toISOString(),
  } as const
  return transfers.map((id) => ({ id, ...said, isCertified: false, credits: [], witnesses: 0 }))
}

/** What the sender had before: all its movements up to the one that paid for the transfer. */
const BEFORE = `(select sum(q.amount)::text from node."tokenPosting" p
    join node."tokenPosting" q on q.account = p.account and q.ledger = p.ledger
      and (q.epoch, q.n) < (p.epoch, p.n)
    where p.transfer = s.id and p.account = s.did and p.amount < 0)`

const COLUMNS = `s.id, s.did, s.content, coalesce(s.time, s."createdAt") as at, s."isCounted",
  s."epochId"`

const SENT = `select ${COLUMNS}, ${BEFORE} as before from ${STATED} s
  where s.ledger = $1 and s.did = $2 order by s.seq desc limit $3`

const RECEIVED = `select ${COLUMNS}, null as before from ${STATED} s
  where s.ledger = $1 and s.id in (select p.transfer from node."tokenPosting" p
    where p.account = $2 and p.ledger = $1 and p.amount > 0 and p.transfer is not null)
  order by s."createdAt" desc limit $3`

const AROUND = `select ${COLUMNS}, null as before from ${STATED} s
  where s.ledger = $1 and s.did = any($2) and s.id in (
    select p.transfer from node."tokenPosting" p
    where p.account = any($2) and p.ledger = $1 and p.amount > 0 and p.transfer is not null)
  order by s."createdAt" desc limit $3`

const EVIDENCE = `select v.epoch, v.seq, v.transfers, v."createdAt" as at
  from appview."tokenEvidence" v where v.ledger = $1 and v.account = $2 limit 20`

const BIRTHS = `select did, "bornAt" from node."accountBirth"
  where did = any($1) and "bornAt" is not null`

const BALANCE = `select coalesce(sum(p.amount), 0)::text as stated,
    coalesce(sum(p.amount) filter (where p.transfer is null), 0)::text as opening
  from node."tokenPosting" p where p.ledger = $1 and p.account = $2`

const PROVIDED = `select q.uri, q.cid, q.provider, q.content, q."createdAt"
  from node."tokenQuote" q where q.provider = $1 and exists (
    select 1 from node."tokenContent" k where k.quote = q.uri and k.quote <> '')
  order by q."createdAt" desc limit $2`
