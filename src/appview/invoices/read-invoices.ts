import type { Clock } from '../../clock.ts'
import type { co } from '../../lexicons/index.ts'
import type { SignedLinks } from '../business/signed-links.ts'
import { invoice } from '../collections/commerce/invoice.ts'
import type { Row } from '../define.ts'
import { present } from '../look.ts'
import { knownUri } from '../reference.ts'
import { findRow } from '../serve-list.ts'
import type { Reading } from '../serve.ts'
import type { Sql } from '../sql.ts'
import type { Invoice } from './invoice-of-order.ts'
import { type InvoiceState, invoiceState } from './invoice-state.ts'

/** What reading invoices needs. */
export type ReadingInvoices = Reading & { readonly clock: Clock; readonly links: SignedLinks }

/** What links to invoices are for. */
const LINK = 'invoice'
/** What the links are for that guests have to their orders. */
const ORDER_LINK = 'order'
const LINK_MS = 400 * 86_400_000

/** A link by which whoever has it reads an invoice. */
export function linkToInvoice(
  { links, clock }: Pick<ReadingInvoices, 'links' | 'clock'>,
  uri: string,
): string {
  const until = new Date(clock.now().getTime() + LINK_MS)
  return links.sign({ purpose: LINK, subject: uri, until })
}

/** An invoice that somebody may read, by their role, by its link or by the link to its order;
 *  undefined for every other. */
export async function findInvoice(
  deps: ReadingInvoices,
  asked: { readonly uri: string; readonly viewer: string | undefined; readonly link?: string },
): Promise<Row | undefined> {
  const { viewer, link } = asked
  const uri = knownUri(asked.uri)
  const { links, clock, sql } = deps
  if (link !== undefined) {
    const { rows } = await sql.query<Row>('select * from appview.invoice where uri = $1', [uri])
    const order = knownUri(links.read(link, ORDER_LINK, clock.now()) ?? '')
    if (links.read(link, LINK, clock.now()) === uri) return rows[0]
    if (order !== '' && order === rows[0]?.['order']) return rows[0]
  }
  return findRow({ sql, viewer }, invoice, uri)
}

/** The views of invoices, each with how it stands. */
export async function invoiceViews(
  deps: ReadingInvoices,
  rows: readonly Row[],
): Promise<co.kendev.commerce.defs.InvoiceView[]> {
  const [views, states] = await Promise.all([present(invoice, rows, deps), statesOf(deps, rows)])
  return views.map((view, n) => ({ ...view, ...states[n]! }) as co.kendev.commerce.defs.InvoiceView)
}

/** How each of these invoices stands, in their order. */
export async function statesOf(
  { sql, clock }: Pick<ReadingInvoices, 'sql' | 'clock'>,
  rows: readonly Row[],
): Promise<InvoiceState[]> {
  const paid = await moneyOf(sql, [...new Set(rows.map((row) => String(row['order'])))])
  return rows.map((row) => {
    const money = paid.get(String(row['order'])) ?? { captured: 0, refunded: 0 }
    return invoiceState(row['content'] as Invoice, money, clock.now())
  })
}

type Money = { readonly captured: number; readonly refunded: number }

async function moneyOf(sql: Sql, orders: readonly string[]): Promise<Map<string, Money>> {
  const { rows } = await sql.query<{ order: string; captured: string; refunded: string }>(MONEY, [
    orders,
  ])
  return new Map(
    rows.map(({ order, captured, refunded }) => [
      order,
      { captured: Number(captured), refunded: Number(refunded) },
    ]),
  )
}

const MONEY = `select o as "order",
    coalesce((select sum((p.content->>'amount')::bigint) from appview.payment p
      where p."order" = o and p.status in ('captured', 'partially_refunded', 'refunded')), 0)
      as captured,
    coalesce((select sum((r.content->>'amount')::bigint) from appview.refund r
      where r."order" = o and r.status = 'succeeded'), 0) as refunded
  from unnest($1::text[]) o`
