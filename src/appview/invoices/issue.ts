import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Job } from '../../jobs/jobs.ts'
import type { co } from '../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import { nextInSeries } from '../business/customers.ts'
import type { Deciding, Decision, Standing, TenantWrite } from '../business/transact.ts'
import { invoice as invoices } from '../collections/commerce/invoice.ts'
import { order as orders } from '../collections/commerce/order.ts'
import { refund as refunds } from '../collections/commerce/refund.ts'
import { storeSettings } from '../collections/commerce/store-settings.ts'
import { notFound } from '../not-found.ts'
import { knownUri, readReference, recordUri } from '../reference.ts'
import { type CreditWish, creditNote } from './credit-note.ts'
import { type Invoice, dayIn, invoiceOfOrder } from './invoice-of-order.ts'

/** The queue of invoices whose customers are to be told. */
export const INVOICE_SENT = 'invoice-sent'

/** What telling of an invoice takes: it may come before the views have the invoice. */
export type SentInvoice = Pick<Invoice, 'kind' | 'number' | 'customer'> & {
  readonly uri: string
  readonly email: string | undefined
  readonly seller: string | undefined
}

type Order = Omit<co.kendev.commerce.order.Main, '$type'>
type Refund = Omit<co.kendev.commerce.refund.Main, '$type'>
type Settings = Partial<Omit<co.kendev.commerce.storeSettings.Main, '$type'>>

/** Where something of a customer's stands. */
export type At = { readonly place: string; readonly rkey: string }

const NOT_INVOICED = ['pending', 'cancelled']

/** The invoice of an order, under its key, so that there is one. Its number is taken with it.
 *  Throws `NotInvoiced`, and `NotFound` for an order that is not there. */
export async function issueInvoice(
  d: Deciding,
  { place, rkey }: At,
  more: { readonly tenantName: string; readonly by: Decision<string>['by'] },
): Promise<Decision<string>> {
  const { by, tenantName } = more
  const at = { place, collection: invoices.nsid, rkey }
  const uri = recordUri(d.tenant, invoices.nsid, rkey)
  const made = await d.read(at)
  if (made) return asItIs(at, made, { answer: uri, by })
  const read = await d.read({ ...at, collection: orders.nsid })
  if (!read) throw notFound(`order ${rkey}`)
  const order = read.record as unknown as Order
  if (NOT_INVOICED.includes(order.status))
    throw new InvalidRequestError(`The order is ${order.status}.`, 'NotInvoiced')
  const settings = await settingsOf(d)
  const number = await nextNumber(d, 'INV', settings)
  const record = invoiceOfOrder({
    number,
    uri: recordUri(d.tenant, orders.nsid, rkey),
    order,
    settings,
    tenantName,
    now: d.now,
  })
  return { answer: uri, writes: [{ ...at, record }], jobs: [sentJob(uri, record)], by }
}

/** What is credited of an invoice: for a refund, once, or an amount. */
export type Credit =
  | { readonly refund: string; readonly reason?: string | undefined }
  | { readonly amount: number; readonly reason?: string | undefined }

/** A credit note for an invoice. Throws `CreditTooLarge`, `NotFound`, and `InvalidRequest` for a
 *  refund of something else, or one that is not back yet. */
export async function issueCreditNote(
  d: Deciding,
  { place, rkey }: At,
  more: { readonly credit: Credit; readonly by: Decision<string>['by'] },
): Promise<Decision<string>> {
  const { credit, by } = more
  const collection = invoices.nsid
  const at = { place, collection, rkey }
  const read = await d.read(at)
  if (!read) throw notFound(`invoice ${rkey}`)
  const invoice = read.record as unknown as Invoice
  if (invoice.kind !== 'invoice') throw new InvalidRequestError('Only invoices are credited.')
  const refund = 'refund' in credit ? readReference(credit.refund)?.rkey : undefined
  const key = refund ?? d.nextTid()
  const uri = recordUri(d.tenant, collection, key)
  const known = await d.read({ place, collection, rkey: key })
  if (known) return asItIs({ ...at, rkey: key }, known, { answer: uri, by })
  const parts =
    'amount' in credit
      ? { parts: [], rest: credit.amount }
      : await partsOfRefund(d, { place, rkey: key, invoice })
  const wish = {
    ...parts,
    number: await nextNumber(d, 'CN', await settingsOf(d)),
    invoiceUri: recordUri(d.tenant, collection, rkey),
    ...(refund !== undefined && { refund: recordUri(d.tenant, refunds.nsid, refund) }),
    reason: credit.reason,
    now: d.now,
  }
  const credited = creditNote(invoice, wish)
  const writes = [
    { place, collection, rkey: key, record: credited.note },
    { ...at, record: credited.invoice },
  ]
  return { answer: uri, writes, jobs: [sentJob(uri, credited.note)], by }
}

/** What is there already, written as it is: nothing changes, and whoever asks is answered when the
 *  views have it. */
function asItIs(
  at: Pick<TenantWrite, 'place' | 'collection' | 'rkey'>,
  { record }: Standing,
  told: Pick<Decision<string>, 'answer' | 'by'>,
): Decision<string> {
  return { ...told, writes: [{ ...at, record }] }
}

async function partsOfRefund(
  d: Deciding,
  { place, rkey, invoice }: At & { invoice: Invoice },
): Promise<Pick<CreditWish, 'parts' | 'rest'>> {
  const read = await d.read({ place, collection: refunds.nsid, rkey })
  if (!read) throw notFound(`refund ${rkey}`)
  const refund = read.record as unknown as Refund
  if (knownUri(refund.order) !== knownUri(invoice.order) || refund.status !== 'succeeded')
    throw new InvalidRequestError('It is no refund of this order that has come back.')
  const orderKey = readReference(invoice.order)?.rkey ?? ''
  const order = await d.read({ place, collection: orders.nsid, rkey: orderKey })
  const lines = (order?.record as unknown as Order | undefined)?.lineItems ?? []
  const parts = refund.lines.flatMap(({ line, amount, tax }) => {
    const found = lines.find(({ id }) => id === line)
    return found ? [{ taxBp: found.taxBp, amount, tax }] : []
  })
  if (refund.shippingAmount > 0) parts.push({ taxBp: 0, amount: refund.shippingAmount, tax: 0 })
  return { parts, rest: refund.amount - parts.reduce((sum, { amount }) => sum + amount, 0) }
}

async function settingsOf(d: Deciding): Promise<Settings> {
  const place = audienceUri(d.tenant, 'staff', TENANT_SPACE)
  const read = await d.read({ place, collection: storeSettings.nsid, rkey: 'self' })
  return (read?.record ?? {}) as Settings
}

/** The next number of the year that it is where the tenant is. */
async function nextNumber(d: Deciding, prefix: string, { timeZone = 'UTC' }: Settings) {
  const year = dayIn(timeZone, d.now).slice(0, 4)
  const number = await nextInSeries(d, `${prefix} ${year}`)
  return `${prefix}-${year}-${String(number).padStart(6, '0')}`
}

function sentJob(uri: string, { kind, number, customer, buyer, seller }: Invoice): Job {
  const told: SentInvoice = { uri, kind, number, customer, email: buyer.email, seller: seller.name }
  return { queue: INVOICE_SENT, key: uri, data: told }
}
