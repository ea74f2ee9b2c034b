import type { Sql } from '../sql.ts'

/** What a tenant took in a time in one currency, less what went back, without taxes, in minor
 *  units. */
export async function netBetween(
  sql: Sql,
  {
    tenant,
    currency,
    since,
    until,
  }: { tenant: string; currency: string; since: Date; until: Date },
): Promise<number> {
  const { rows } = await sql.query<{ net: number }>(NET, [tenant, currency, since, until])
  return rows[0]!.net
}

const NET = `select -coalesce(sum(p.amount), 0)::float8 as net
  from appview."ledgerEntry" e
  cross join lateral jsonb_to_recordset(e.content->'postings') as p (account text, amount bigint)
  where e.did = $1 and e.currency = $2 and e."createdAt" >= $3 and e."createdAt" < $4
    and e.kind <> 'payout' and p.account in ('aiPartner', 'humanPartner', 'sellerNet', 'commission',
      'platformOperations', 'justiceFund')`
