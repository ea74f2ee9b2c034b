import type { Sql } from '../sql.ts'

/** A row of revenue: one heading, one currency. Amounts are minor units. */
export type RevenueRow = {
  readonly key: string
  readonly title?: string
  readonly currency: string
  readonly orders: number
  readonly units?: number
  readonly came: number
  readonly refunded: number
  readonly tax: number
  readonly net: number
  readonly average: number | null
}

/** Which time is asked about, and in which currency. */
export type Asked = {
  readonly tenant: string
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly currency?: string | undefined
}

const ROWS_MAX = 1_000

/** Every posting of the tenant in the time, with what its order is. What is paid out to parties is
 *  no revenue. */
const POSTINGS = `with posting as (
    select e.kind, e."order", e.currency, e."createdAt", p.account, p.party, p.amount
    from appview."ledgerEntry" e
    cross join lateral jsonb_to_recordset(e.content->'postings')
      as p (account text, party text, amount bigint)
    where e.did = $1 and e.kind not in ('payout', 'providerFee')
      and ($2::timestamptz is null or e."createdAt" >= $2)
      and ($3::timestamptz is null or e."createdAt" < $3)
      and ($4::text is null or e.currency = $4))`

/** Each figure is a sum of postings: what came is what customers' money grew by, the rest is what
 *  is owed to whom. */
const FIGURES = `count(distinct "order") filter (where kind = 'capture')::int as orders,
  coalesce(sum(amount) filter (where account = 'customerClearing' and kind = 'capture'), 0)::float8
    as came,
  -coalesce(sum(amount) filter (where account = 'refundsPayable'
    and kind in ('refund', 'refundFailed')), 0)::float8 as refunded,
  -coalesce(sum(amount) filter (where account = 'taxPayable'), 0)::float8 as tax,
  -coalesce(sum(amount) filter (where account in ('aiPartner', 'humanPartner', 'sellerNet',
    'commission', 'platformOperations', 'justiceFund')), 0)::float8 as net`

/** Revenue by period of the store's own time: the first day of each. */
export function revenueByPeriod(
  sql: Sql,
  asked: Asked,
  { interval, timeZone }: { interval: string; timeZone: string },
): Promise<RevenueRow[]> {
  return rowsOf(
    sql,
    `${POSTINGS} select to_char(date_trunc($5, "createdAt" at time zone $6), 'YYYY-MM-DD') as key,
       currency, ${FIGURES} from posting group by 1, 2 order by 1 desc, 2 limit ${ROWS_MAX}`,
    [...valuesOf(asked), interval, timeZone],
  )
}

/** Revenue by where sales came from. */
export function revenueBySource(sql: Sql, asked: Asked): Promise<RevenueRow[]> {
  return rowsOf(
    sql,
    `${POSTINGS} select coalesce(t.source, 'system_generated') as key, posting.currency, ${FIGURES}
     from posting left join appview."orderTerms" t on t."order" = posting."order" and t.did = $1
     group by 1, 2 order by net desc, 1 limit ${ROWS_MAX}`.replaceAll(
      '"order")',
      'posting."order")',
    ),
    valuesOf(asked),
  )
}

/** What each party has of it: told by its account and, for commissions, its DID. */
export function revenueByParty(sql: Sql, asked: Asked): Promise<RevenueRow[]> {
  return rowsOf(
    sql,
    `${POSTINGS} select account || coalesce(' ' || party, '') as key, currency,
       count(distinct "order") filter (where kind = 'capture')::int as orders,
       -coalesce(sum(amount) filter (where amount < 0), 0)::float8 as came,
       coalesce(sum(amount) filter (where amount > 0), 0)::float8 as refunded,
       0::float8 as tax, -sum(amount)::float8 as net
     from posting where account not in ('customerClearing', 'refundsPayable', 'taxPayable')
     group by 1, 2 order by net desc, 1 limit ${ROWS_MAX}`,
    valuesOf(asked),
  )
}

/** Revenue by product, of orders that are paid: what its lines cost less what went back for them.
 *  Shipping, and what went back beside lines, is of no product. */
export function revenueByProduct(sql: Sql, asked: Asked): Promise<RevenueRow[]> {
  return rowsOf(sql, BY_PRODUCT, valuesOf(asked))
}

const BY_PRODUCT = `with paid as (
    select o.uri, o.content from appview."order" o
    where o.did = $1 and o.content->>'paymentProcessedAt' is not null
      and o."paymentStatus" in ('captured', 'partially_refunded', 'refunded')
      and ($2::timestamptz is null or (o.content->>'paymentProcessedAt')::timestamptz >= $2)
      and ($3::timestamptz is null or (o.content->>'paymentProcessedAt')::timestamptz < $3)
      and ($4::text is null or o.content->>'currency' = $4)),
  line as (
    select paid.uri, paid.content->>'currency' as currency, l->>'id' as id,
      l->>'product' as product, l->'productSnapshot'->>'title' as title,
      (l->>'quantity')::bigint as quantity,
      (l->>'tax')::bigint as tax, (l->>'totalPrice')::bigint - (l->>'discount')::bigint
        + case when coalesce((paid.content->>'taxIncluded')::boolean, false) then 0
            else (l->>'tax')::bigint end as gross
    from paid cross join lateral jsonb_array_elements(paid.content->'lineItems') l),
  back as (
    select r."order" as uri, l->>'line' as id, sum((l->>'quantity')::bigint) as quantity,
      sum((l->>'amount')::bigint) as amount, sum((l->>'tax')::bigint) as tax
    from appview.refund r cross join lateral jsonb_array_elements(r.content->'lines') l
    where r.did = $1 and r.status <> 'failed' group by 1, 2)
  select product as key, max(title) as title, currency, count(distinct line.uri)::int as orders,
    sum(line.quantity - coalesce(back.quantity, 0))::int as units, sum(gross)::float8 as came,
    coalesce(sum(back.amount), 0)::float8 as refunded,
    sum(line.tax - coalesce(back.tax, 0))::float8 as tax,
    sum(gross - line.tax - coalesce(back.amount - back.tax, 0))::float8 as net
  from line left join back using (uri, id) group by product, currency
  order by net desc, key limit ${ROWS_MAX}`

function valuesOf({ tenant, since, until, currency }: Asked): unknown[] {
  return [tenant, since ?? null, until ?? null, currency ?? null]
}

async function rowsOf(sql: Sql, query: string, values: unknown[]): Promise<RevenueRow[]> {
  const { rows } = await sql.query<Omit<RevenueRow, 'average'>>(query, values)
  return rows.map((row) => ({
    ...row,
    average: row.orders === 0 ? null : Math.round(row.net / row.orders),
  }))
}
