import type { Sql } from '../sql.ts'
import type { Paid } from './customer-worth.ts'

/** What is known of the orders of a customer. */
export type OrderedBy = {
  readonly orders: number
  readonly first: Date | null
  readonly last: Date | null
  readonly paid: readonly Paid[]
  readonly churnBp: number | null
}

/** Reads it; `place` is the customer's space. */
export async function orderedBy(
  sql: Sql,
  { tenant, place, now }: { tenant: string; place: string; now: Date },
): Promise<OrderedBy> {
  const values = [tenant, place]
  const { rows } = await sql.query<Pick<OrderedBy, 'orders' | 'first' | 'last'>>(ORDERS, values)
  const { rows: paid } = await sql.query<Paid>(PAID, values)
  const { rows: churn } = await sql.query<{ before: number; gone: number }>(CHURN, [tenant, now])
  const { before, gone } = churn[0]!
  const churnBp = before === 0 ? null : Math.round((gone * 10_000) / before)
  return { ...rows[0]!, paid, churnBp }
}

const ORDERS = `select count(*)::int as orders, min("placedAt") as first, max("placedAt") as last
  from appview."order" where did = $1 and place = $2`

const PAID = `with back as (
    select content->>'currency' as currency, sum((content->>'amount')::bigint)::float8 as refunded
    from appview.refund where did = $1 and place = $2 and status = 'succeeded' group by 1),
  came as (
    select content->>'currency' as currency, count(distinct "order")::int as orders,
      sum((content->>'amount')::bigint)::float8 as paid
    from appview.payment
    where did = $1 and place = $2 and content->>'capturedAt' is not null group by 1)
  select currency, orders, paid, coalesce(refunded, 0) as refunded
  from came left join back using (currency) order by 1`

/** Customers of each of the last twelve months that have two more behind them, and those of them
 *  who did not order again in these two. */
const CHURN = `with active as (
    select distinct place, date_trunc('month', "placedAt") as month from appview."order"
    where did = $1 and status not in ('pending', 'cancelled')),
  judged as (
    select a.*, exists (select 1 from active b where b.place = a.place
      and b.month > a.month and b.month <= a.month + interval '2 months') as came
    from active a
    where a.month < date_trunc('month', $2::timestamptz) - interval '2 months'
      and a.month >= date_trunc('month', $2::timestamptz) - interval '14 months')
  select count(*)::int as before, (count(*) filter (where not came))::int as gone from judged`
