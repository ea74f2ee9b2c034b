import type { Sql } from '../sql.ts'

/** How a product does in a stretch of time; money in minor units, without tax. */
export type ProductFigures = {
  readonly views: number
  readonly orders: number
  readonly purchases: number
  readonly revenue: readonly { readonly amount: number; readonly currency: string }[]
  /** In basis points; absent without views. */
  readonly conversionRate?: number
}

/** Notes that somebody has looked at a product on that day. */
export async function noteView(sql: Sql, product: string, now: Date): Promise<void> {
  await sql.query(NOTE, [product, now.toISOString().slice(0, 10)])
}

const NOTE = `insert into node."productView" as v (product, day, views) values ($1, $2, 1)
  on conflict (product, day) do update set views = v.views + 1`

/** The figures of a product from the orders of its tenant that were paid, less what went back of
 *  its lines, and from how often it was looked at (`domain.md` D-51). */
export async function productFigures(
  sql: Sql,
  asked: {
    readonly tenant: string
    readonly product: string
    readonly from?: Date | undefined
    readonly until?: Date | undefined
  },
): Promise<ProductFigures> {
  const { tenant, product, from = null, until = null } = asked
  const values = [tenant, product, from, until]
  const [{ rows: sold }, { rows: seen }] = await Promise.all([
    sql.query<Sold>(SOLD, values),
    sql.query<{ views: string }>(SEEN, values.slice(1)),
  ])
  const views = Number(seen[0]?.views ?? 0)
  const orders = sold.reduce((sum, row) => sum + Number(row.orders), 0)
  return {
    views,
    orders,
    purchases: sold.reduce((sum, row) => sum + Number(row.units), 0),
    revenue: sold.map(({ currency, amount }) => ({ amount: Number(amount), currency })),
    ...(views > 0 && { conversionRate: Math.round((orders * 10_000) / views) }),
  }
}

type Sold = { currency: string; orders: string; units: string; amount: string }

const SOLD = `
  with lines as (
    select o.uri, o.content->>'currency' as currency, l->>'id' as id,
      (l->>'quantity')::bigint as units,
      (l->>'totalPrice')::bigint - (l->>'discount')::bigint
        - case when (o.content->>'taxIncluded')::boolean then (l->>'tax')::bigint else 0 end as net
    from appview."order" o, jsonb_array_elements(o.content->'lineItems') l
    where o.did = $1 and o."paymentStatus" in ('captured', 'partially_refunded', 'refunded')
      and l->>'product' = $2
      and ($3::timestamptz is null or o."placedAt" >= $3)
      and ($4::timestamptz is null or o."placedAt" < $4)),
  back as (
    select lines.uri, lines.id, sum((b->>'amount')::bigint - (b->>'tax')::bigint) as net
    from lines
    join appview.refund r on r."order" = lines.uri and r.did = $1 and r.status = 'succeeded',
      jsonb_array_elements(r.content->'lines') b
    where b->>'line' = lines.id group by lines.uri, lines.id)
  select currency, count(distinct lines.uri) as orders, sum(units) as units,
    sum(lines.net - coalesce(back.net, 0)) as amount
  from lines left join back using (uri, id)
  group by currency order by currency`

const SEEN = `select sum(views) as views from node."productView"
  where product = $1 and ($2::timestamptz is null or day >= $2::date)
    and ($3::timestamptz is null or day < $3::date)`
