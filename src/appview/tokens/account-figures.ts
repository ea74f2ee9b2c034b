import type { Sql } from '../sql.ts'

/** What an account's movements come to, in micro-tokens. */
export type Totals = {
  readonly balance: number
  readonly earned: number
  readonly spent: number
  readonly burned: number
  /** Certified transfers that it has part in. */
  readonly transfers: number
  readonly lastTransfer: string | null
  readonly lastTransferAt: Date | null
  readonly lastChangeAt: Date | null
  /** What it was given, by what for. */
  readonly given: Readonly<Record<string, number>>
}

/** Adds up the movements of an account on a ledger. */
export async function totalsOf(sql: Sql, ledger: string, did: string): Promise<Totals> {
  const { rows } = await sql.query<Record<string, unknown>>(
    { name: 'token totals', text: TOTALS },
    [ledger, did],
  )
  const row = rows[0]!
  const given = Object.entries((row['given'] ?? {}) as Record<string, unknown>)
  return {
    balance: Number(row['balance']),
    earned: Number(row['earned']),
    spent: Number(row['spent']),
    burned: Number(row['burned']),
    transfers: Number(row['transfers']),
    lastTransfer: row['lastTransfer'] as string | null,
    lastTransferAt: row['lastTransferAt'] as Date | null,
    lastChangeAt: row['lastChangeAt'] as Date | null,
    given: Object.fromEntries(given.map(([kind, amount]) => [kind, Number(amount)])),
  }
}

/** One change of a balance, and what the account had after it. */
export type Moved = {
  readonly at: Date
  readonly amount: number
  readonly balance: number
  readonly reason: string
  readonly transfer: string | null
}

/** The last hundred changes of a balance, newest first. */
export async function historyOf(sql: Sql, ledger: string, did: string): Promise<Moved[]> {
  type Kept = Omit<Moved, 'amount' | 'balance'> & { amount: string; balance: string }
  const { rows } = await sql.query<Kept>({ name: 'token history', text: HISTORY }, [ledger, did])
  return rows.map((row) => ({ ...row, amount: Number(row.amount), balance: Number(row.balance) }))
}

const MINE = `from node."tokenPosting" p where p.ledger = $1 and p.account = $2`

const TOTALS = `select coalesce(sum(p.amount), 0)::text as balance,
    coalesce(sum(p.amount) filter (where p.amount > 0), 0)::text as earned,
    coalesce(-sum(p.amount) filter (where p.amount < 0 and p.reason <> 'burn'), 0)::text as spent,
    coalesce(-sum(p.amount) filter (where p.reason = 'burn'), 0)::text as burned,
    count(distinct p.transfer) as transfers,
    (array_agg(p.transfer order by p.epoch desc, p.n desc)
      filter (where p.transfer is not null))[1] as "lastTransfer",
    max(p.at) filter (where p.transfer is not null) as "lastTransferAt",
    max(p.at) as "lastChangeAt",
    (select jsonb_object_agg(g.kind, g.sum) from (
      select coalesce(p.granted, p.reason) as kind, sum(p.amount) as sum ${MINE} and p.amount > 0
      group by 1) g) as given
  ${MINE}`

const HISTORY = `select p.at, p.amount::text as amount, p.reason, p.transfer,
    (sum(p.amount) over (order by p.epoch, p.n))::text as balance
  ${MINE} order by p.epoch desc, p.n desc limit 100`
