import type { Sql } from '../sql.ts'

/** Whose share, in which currency. */
export type Share = {
  readonly tenant: string
  readonly account: string
  readonly party?: string | undefined
  readonly currency: string
}

/** What a party had, earned and was paid, in minor units. `closing` is what is owed then. */
export type Statement = {
  readonly opening: number
  readonly earned: number
  readonly reversed: number
  readonly paid: number
  readonly closing: number
}

/** The statement of a share over a time; everything when none is said. */
export async function statementOf(
  sql: Sql,
  { tenant, account, party, currency }: Share,
  { since, until }: { since?: string | undefined; until?: string | undefined } = {},
): Promise<Statement> {
  const values = [tenant, account, party ?? null, currency, since ?? null, until ?? null]
  const { rows } = await sql.query<Omit<Statement, 'closing'>>(STATEMENT, values)
  const { opening, earned, reversed, paid } = rows[0]!
  return { opening, earned, reversed, paid, closing: opening + earned - reversed - paid }
}

/** What is owed is below nothing in the books. */
const STATEMENT = `select
    -coalesce(sum(amount) filter (where $5::timestamptz is not null and at < $5), 0)::float8
      as opening,
    -coalesce(sum(amount) filter (where inside and kind <> 'payout' and amount < 0), 0)::float8
      as earned,
    coalesce(sum(amount) filter (where inside and kind <> 'payout' and amount > 0), 0)::float8
      as reversed,
    coalesce(sum(amount) filter (where inside and kind = 'payout'), 0)::float8 as paid
  from (
    select e.kind, e."createdAt" as at, p.amount,
      ($5::timestamptz is null or e."createdAt" >= $5)
        and ($6::timestamptz is null or e."createdAt" < $6) as inside
    from appview."ledgerEntry" e
    cross join lateral jsonb_to_recordset(e.content->'postings')
      as p (account text, party text, amount bigint)
    where e.did = $1 and p.account = $2 and e.currency = $4
      and ($3::text is null or p.party = $3)) posting`
