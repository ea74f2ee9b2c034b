import type { co } from '../../lexicons/index.ts'
import type { Sql } from '../sql.ts'
import type { TokenLedger } from './token-ledgers.ts'

/** What there is of a ledger, by what this node has read. */
export async function findSupply(
  sql: Sql,
  { genesis, governance }: TokenLedger,
): Promise<co.kendev.tokens.defs.SupplyView> {
  const { rows } = await sql.query<Figures>({ name: 'token supply', text: SUPPLY }, [genesis])
  const { code, epoch, supplyCap, ended, verified, ...figures } = rows[0]!
  return {
    ledger: genesis,
    code: code ?? '',
    governance: governance as `did:${string}:${string}`,
    epoch: epoch ?? 0,
    supplyCap: Number(supplyCap ?? 1),
    granted: Number(figures.granted),
    burned: Number(figures.burned),
    balances: Number(figures.balances),
    accounts: figures.accounts,
    transfers: figures.transfers,
    verifiedEpochs: verified,
    complete: epoch !== null && ended === verified,
  }
}

type Figures = {
  code: string | null
  epoch: number | null
  supplyCap: string | null
  granted: string
  burned: string
  balances: string
  accounts: number
  transfers: number
  ended: number
  verified: number
}

const SUPPLY = `with e as (
    select k.epoch, k.standing, k."isVerified", r.content from node."tokenEpoch" k
    left join appview."tokenEpoch" r on r.id = k.id where k.ledger = $1)
  select (select e.content->>'code' from e order by e.epoch desc limit 1) as code,
    (select max(e.epoch) from e) as epoch,
    (select e.content->>'supplyCap' from e order by e.epoch desc limit 1) as "supplyCap",
    (select (count(*) filter (where e.standing <> 'open'))::int from e) as ended,
    (select (count(*) filter (where e."isVerified"))::int from e) as verified,
    coalesce(sum(p.amount) filter (where p.reason = 'grant'), 0)::text as granted,
    coalesce(-sum(p.amount) filter (where p.reason = 'burn'), 0)::text as burned,
    coalesce(sum(p.amount), 0)::text as balances,
    count(distinct p.account)::int as accounts,
    count(distinct p.transfer)::int as transfers
  from node."tokenPosting" p where p.ledger = $1`
