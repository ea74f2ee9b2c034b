import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { type Transact } from '../../business/transact.ts'
import { invoice } from '../../collections/commerce/invoice.ts'
import type { List, Row } from '../../define.ts'
import { type Credit, issueCreditNote, issueInvoice } from '../../invoices/issue.ts'
import type { Invoice } from '../../invoices/invoice-of-order.ts'
import { invoicePdf } from '../../invoices/invoice-pdf.ts'
import {
  type ReadingInvoices,
  findInvoice,
  invoiceViews,
  statesOf,
} from '../../invoices/read-invoices.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { listRows } from '../../serve-list.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

type Deps = ReadingInvoices & { readonly transact: Transact }

const BY_TIME: List = {
  query: co.kendev.commerce.listInvoices,
  newest: 'issuedAt',
  where: { tenant: 'did', order: 'order', kind: 'kind', customer: 'customer' },
}

/** `commerce.issueInvoice` and `issueCreditNote` for those who manage orders, and `getInvoice`,
 *  `listInvoices` and `getInvoiceFile` for whoever may read them. */
export function invoicing(mount: Mount, deps: Deps): void {
  const { sql, transact } = deps
  const permission = 'manage_orders'

  procedure(mount, co.kendev.commerce.issueInvoice, async ({ input, viewer, idempotencyKey }) => {
    const { tenant, order } = input
    const asks = { tenant, did: viewer.did, permission } as const
    const { standing, tenant: found } = await requireTenantPermission(sql, asks)
    const at = await placeOf(sql, { table: 'order', tenant, uri: order })
    const method = co.kendev.commerce.issueInvoice.$lxm
    const by = { actor: viewer.did, role: standing.role, action: method }
    const once = { caller: viewer.did, method, key: idempotencyKey, input }
    const uri = await transact({ tenant, once }, (d) =>
      issueInvoice(d, at, { tenantName: found.name, by }),
    )
    return shown(deps, uri)
  })

  procedure(mount, co.kendev.commerce.issueCreditNote, async (call) => {
    const { input, viewer, idempotencyKey } = call
    const { tenant } = input
    const asks = { tenant, did: viewer.did, permission } as const
    const { standing } = await requireTenantPermission(sql, asks)
    const at = await placeOf(sql, { table: 'invoice', tenant, uri: input.invoice })
    const credit = creditOf(input)
    const method = co.kendev.commerce.issueCreditNote.$lxm
    const by = { actor: viewer.did, role: standing.role, action: method }
    const once = { caller: viewer.did, method, key: idempotencyKey, input }
    const uri = await transact({ tenant, once }, (d) => issueCreditNote(d, at, { credit, by }))
    return shown(deps, uri)
  })

  readInvoices(mount, deps)
}

function readInvoices(mount: Mount, deps: Deps): void {
  query(mount, co.kendev.commerce.getInvoice, async ({ params, viewer }) => {
    const row = await findInvoice(deps, { ...params, viewer: viewer?.did })
    if (!row) throw notFound(params.uri)
    return (await invoiceViews(deps, [row]))[0]!
  })

  query(mount, co.kendev.commerce.listInvoices, async ({ params, viewer }) => {
    const looking = { ...deps, viewer: viewer?.did }
    const { rows, cursor } = await listRows(looking, invoice, BY_TIME, params)
    return { items: await invoiceViews(deps, rows), cursor }
  })

  const file = co.kendev.commerce.getInvoiceFile
  const handler = async (call: {
    params: { uri: string; link?: string }
    req: never
    res: never
  }) => {
    const { params, req, res } = call
    const viewer = await mount.authenticate({ req, res }, file.$lxm)
    const row = await findInvoice(deps, { ...params, viewer: viewer?.did })
    if (!row) throw notFound(params.uri)
    const [state] = await statesOf(deps, [row])
    return {
      encoding: 'application/pdf',
      body: await invoicePdf(row['content'] as Invoice, state!),
      headers: {
        'content-disposition': `inline; filename="${String(row['number'])}.pdf"`,
        'cache-control': 'private, no-store',
        'x-content-type-options': 'nosniff',
      },
    }
  }
  mount.server.add(file, { handler } as never)
}

function creditOf(input: { refund?: string; amount?: number; reason?: string }): Credit {
  const { refund, amount, reason } = input
  if (refund !== undefined && amount === undefined) return { refund, reason }
  if (refund === undefined && amount !== undefined) return { amount, reason }
  throw new InvalidRequestError('Say what was given back, or how much is credited.')
}

async function placeOf(
  sql: Sql,
  { table, tenant, uri }: { table: 'order' | 'invoice'; tenant: string; uri: string },
): Promise<{ place: string; rkey: string }> {
  const { rows } = await sql.query<{ place: string; rkey: string }>(
    `select place, rkey from appview."${table}" where uri = $1 and did = $2`,
    [knownUri(uri), tenant],
  )
  if (!rows[0]) throw notFound(`${table} ${uri}`)
  return rows[0]
}

async function shown(deps: Deps, uri: string) {
  const { rows } = await deps.sql.query<Row>('select * from appview.invoice where uri = $1', [uri])
  return (await invoiceViews(deps, rows))[0]!
}
