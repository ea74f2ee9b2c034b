import { type BlobRef, type JsonValue, jsonToLex } from '@atproto/lex'
import type { co } from '../../lexicons/index.ts'
import { blobOf } from '../blob.ts'
import { readReference } from '../reference.ts'
import type { Sql } from '../sql.ts'

/** A file that somebody has bought with a line of an order, and may fetch. */
export type Grant = {
  readonly tenant: string
  readonly order: string
  readonly line: string
  readonly product: string
  readonly file: {
    readonly cid: string
    readonly mimeType: string
    readonly size: number
    readonly name: string
    readonly description?: string | undefined
  }
  /** How often it may be fetched in all. */
  readonly limit: number
  readonly until: Date
}

type Supply = Omit<co.kendev.commerce.productSupply.Main, '$type'>
type Line = co.kendev.commerce.order.LineItem

const DAY_MS = 86_400_000
const DAYS = 30
const TIMES = 5
const PAID = ['captured', 'partially_refunded']
const ENDED = ['cancelled', 'refunded']

/** The files of an order, while it is paid: of its digital lines that were not given back, as their
 *  products have them now, for so many days after payment (`domain.md` SM-03). */
export async function grantsOf(sql: Sql, order: string, now: Date): Promise<Grant[]> {
  const { rows } = await sql.query<Found>({ name: 'download-grants', text: GRANTS }, [order])
  return rows.flatMap((row) => grantsOfLine(row, order)).filter(({ until }) => until > now)
}

type Found = {
  did: string
  status: string
  paymentStatus: string
  paidAt: string | null
  line: Line
  back: number
  supply: Supply
}

function grantsOfLine({ did, line, supply, ...order }: Found, uri: string): Grant[] {
  const isPaid = PAID.includes(order.paymentStatus) && !ENDED.includes(order.status)
  const left = line.quantity - order.back
  if (!isPaid || left <= 0 || order.paidAt === null) return []
  const { downloadDays = DAYS, downloadLimit = TIMES, digitalAssets = [] } = supply
  const until = new Date(Date.parse(order.paidAt) + downloadDays * DAY_MS)
  return digitalAssets.map(({ file, name, description }) => ({
    tenant: did,
    order: uri,
    line: line.id,
    product: line.product,
    // Rows hold the JSON form of records.
    file: { ...blobOf(jsonToLex(file as JsonValue) as BlobRef), name, description },
    limit: downloadLimit * left,
    until,
  }))
}

const GRANTS = `
  select o.did, o.status, o."paymentStatus", o.content->>'paymentProcessedAt' as "paidAt",
    l as line, s.content as supply,
    coalesce((select sum((b->>'quantity')::int) from appview.refund r,
        jsonb_array_elements(r.content->'lines') b
      where r."order" = o.uri and r.status = 'succeeded' and b->>'line' = l->>'id'), 0)::int as back
  from appview."order" o, jsonb_array_elements(o.content->'lineItems') with ordinality as x (l, n)
  join appview."productSupply" s on s.rkey = split_part(l->>'product', '/', 5)
  where o.uri = $1 and s.did = o.did and l->>'fulfilment' = 'digital'
    and split_part(l->>'product', '/', 3) = o.did
  order by n`

/** How often each file of an order was fetched, by line and file. */
export async function fetchedOf(sql: Sql, order: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql.query<{ line: string; file: string; fetched: number }>(
    'select line, file, fetched from node.download where "order" = $1',
    [order],
  )
  return new Map(rows.map(({ line, file, fetched }) => [`${line} ${file}`, fetched]))
}

/** Counts that a file is fetched; false when it was as often as it may be. Of two at once for the
 *  last time one is counted. */
export async function take(sql: Sql, { order, line, file, limit }: Grant): Promise<boolean> {
  const { rowCount } = await sql.query(TAKE, [order, line, file.cid, limit])
  return rowCount === 1
}

const TAKE = `insert into node.download as d ("order", line, file, fetched)
  select $1, $2, $3, 1 where $4::int > 0
  on conflict ("order", line, file) do update set fetched = d.fetched + 1
  where d.fetched < $4::int`

/** What a link to a file is about, as it is signed. */
export function subjectOf({ order, line, file }: Grant): string {
  return JSON.stringify([order, line, file.cid])
}

/** The order that a link to a file is about; undefined when the text is none of ours. */
export function orderOfSubject(subject: string): string | undefined {
  const [order] = JSON.parse(subject) as string[]
  return order !== undefined && readReference(order) ? order : undefined
}
