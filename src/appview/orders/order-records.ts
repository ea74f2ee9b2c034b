import { type LexValue, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import type { co } from '../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import type { Deciding, TenantWrite } from '../business/transact.ts'
import { fulfilment } from '../collections/commerce/fulfilment.ts'
import { orderTerms } from '../collections/commerce/order-terms.ts'
import { order } from '../collections/commerce/order.ts'
import { payment } from '../collections/commerce/payment.ts'
import { refund } from '../collections/commerce/refund.ts'
import type {
  Fulfilment,
  Order,
  OrderFile,
  Payment,
  Refund,
  Terms,
} from '../commerce/order-file.ts'
import { notFound } from '../not-found.ts'
import { recordUri, uriIn } from '../reference.ts'

type Plain<T> = Omit<T, '$type'>
export type OrderRecord = Plain<co.kendev.commerce.order.Main>
export type TermsRecord = Plain<co.kendev.commerce.orderTerms.Main>
type PaymentRecord = Plain<co.kendev.commerce.payment.Main>
type RefundRecord = Plain<co.kendev.commerce.refund.Main>
type FulfilmentRecord = Plain<co.kendev.commerce.fulfilment.Main>

/** Which order: its tenant, the space of its customer and its key. */
export type OrderAt = { readonly tenant: string; readonly place: string; readonly rkey: string }

/** An order as its records say it, and as decisions are made about it. */
export type KeptOrder = {
  readonly at: OrderAt
  readonly record: OrderRecord
  readonly terms: TermsRecord
  readonly file: OrderFile
  /** The records of its parts as they stand, by collection and key. */
  readonly parts: ReadonlyMap<string, Record<string, unknown>>
}

/** The uri that leads to an order. */
export function orderUri({ tenant, place, rkey }: OrderAt): string {
  return uriIn(place, recordUri(tenant, order.nsid, rkey))
}

/** The uri that leads to a part of an order: a payment, a refund, a fulfilment. */
export function partUri({ tenant, place }: OrderAt, nsid: string, rkey: string): string {
  return uriIn(place, recordUri(tenant, nsid, rkey))
}

/** Where what only managers read of an order stands. */
export function managersOf(tenant: string): string {
  return audienceUri(tenant, 'managers', TENANT_SPACE)
}

/** Reads an order with all its parts as the transaction sees them. Throws `NotFound`. */
export async function readOrder(d: Deciding, at: OrderAt): Promise<KeptOrder> {
  d.requireStored(at.place)
  const { rows } = await d.tx.query<{ collection: string; rkey: string; bytes: Uint8Array }>(READ, [
    at.place,
    d.tenant,
    order.nsid,
    at.rkey,
    [payment.nsid, refund.nsid, fulfilment.nsid],
  ])
  const parts = new Map(
    rows.map(({ collection, rkey, bytes }) => [
      `${collection} ${rkey}`,
      lexToJson(decode(bytes) as LexValue) as Record<string, unknown>,
    ]),
  )
  const record = parts.get(`${order.nsid} ${at.rkey}`) as OrderRecord | undefined
  const place = managersOf(d.tenant)
  const terms = await d.read({ place, collection: orderTerms.nsid, rkey: at.rkey })
  if (!record || !terms) throw notFound(`order ${at.rkey}`)
  const agreed = terms.record as TermsRecord
  const of = <T>(nsid: string, as: (id: string, record: never) => T): T[] =>
    rows
      .filter(({ collection }) => collection === nsid)
      .map(({ rkey }) => as(rkey, parts.get(`${nsid} ${rkey}`) as never))
      .toSorted((a, b) => numberOf(a as { id: string }) - numberOf(b as { id: string }))
  const file: OrderFile = {
    order: orderOf(record),
    terms: coreTerms(agreed),
    payments: of(payment.nsid, (id, one: PaymentRecord) => paymentOf(id, one, agreed)),
    refunds: of(refund.nsid, refundOf),
    fulfilments: of(fulfilment.nsid, fulfilmentOf),
  }
  return { at, record, terms: agreed, file, parts }
}

/** All records of an order stand together: its own, and those whose keys begin with its key. */
const READ = {
  name: 'order-with-parts',
  text: `select collection, rkey, bytes from repo.record
    where space = $1 and did = $2 and collection = $3 and rkey = $4
    union all
    select collection, rkey, bytes from repo.record
    where space = $1 and did = $2 and collection = any($5)
      and rkey > $4 || '.' and rkey < $4 || '/'`,
}

/** Keys for new parts of an order, after those there are. */
export function partKeys({ at, file }: Pick<KeptOrder, 'at' | 'file'>): () => string {
  const { payments, refunds, fulfilments } = file
  let last = Math.max(0, ...[...payments, ...refunds, ...fulfilments].map(numberOf))
  return () => `${at.rkey}.${(last += 1)}`
}

/** Writes that take the records from what they are to what the order is now. */
export function orderWrites(kept: KeptOrder, file: OrderFile, now: Date): TenantWrite[] {
  const { at } = kept
  const write = (collection: string, rkey: string, record: Record<string, unknown>) => {
    const before = kept.parts.get(`${collection} ${rkey}`)
    if (before && sameRecord(before, record)) return []
    const updatedAt = now.toISOString()
    const dated = before && collection !== refund.nsid ? { ...record, updatedAt } : record
    return [{ place: at.place, collection, rkey, record: dated }]
  }
  const uri = orderUri(at)
  const { currency } = file.order
  const old = (nsid: string, id: string) => kept.parts.get(`${nsid} ${id}`) ?? {}
  return [
    ...write(order.nsid, at.rkey, withOrder(kept.record, file.order)),
    ...file.payments.flatMap(({ fee: _, id, ...one }) =>
      write(payment.nsid, id, {
        createdAt: now.toISOString(),
        ...old(payment.nsid, id),
        ...one,
        order: uri,
        currency,
      }),
    ),
    ...file.refunds.flatMap(({ id, tax, shipping, payment: by, ...one }) =>
      write(refund.nsid, id, {
        ...old(refund.nsid, id),
        ...one,
        order: uri,
        payment: partUri(at, payment.nsid, by),
        currency,
        taxAmount: tax,
        shippingAmount: shipping,
      }),
    ),
    ...file.fulfilments.flatMap(({ id, ...one }) =>
      write(fulfilment.nsid, id, {
        createdAt: now.toISOString(),
        ...old(fulfilment.nsid, id),
        ...one,
        order: uri,
      }),
    ),
    ...termsWrites(kept, file, now),
  ]
}

/** What providers keep is noted with the terms, which the customer does not read. */
function termsWrites({ at, terms }: KeptOrder, file: OrderFile, now: Date): TenantWrite[] {
  const providerFees = file.payments.flatMap(({ id, fee }) =>
    fee === undefined ? [] : [{ payment: id, amount: fee }],
  )
  if (providerFees.length === (terms.providerFees ?? []).length) return []
  const record = { ...terms, providerFees, updatedAt: now.toISOString() }
  return [{ place: managersOf(at.tenant), collection: orderTerms.nsid, rkey: at.rkey, record }]
}

/** The record of an order with how it stands now; what was agreed stays as it is. */
export function withOrder(record: OrderRecord, now: Order): Record<string, unknown> {
  const { lines: _, dueNow, payLater: _later, taxIncluded: _tax, ...standing } = now
  return { ...record, ...standing, ...(dueNow !== now.totalAmount && { dueNow }) }
}

function orderOf(record: OrderRecord): Order {
  const { lineItems, dueNow = record.totalAmount, ...rest } = record
  const lines = lineItems.map(({ stockItem, fulfilment: method, ...line }) => ({
    ...pick(line, 'id', 'quantity', 'unitPrice', 'totalPrice', 'discount', 'taxBp', 'tax'),
    ...(stockItem !== undefined && { item: stockItem }),
    method,
  }))
  return { ...pick(rest, ...ORDER_FIELDS), dueNow, lines } as Order
}

const ORDER_FIELDS = [
  'status',
  'currency',
  'subtotal',
  'discountAmount',
  'taxAmount',
  'shippingAmount',
  'totalAmount',
  'taxIncluded',
  'payLater',
  'paymentStatus',
  'fulfilmentStatus',
  'reservedUntil',
  'reservationExtended',
  'placedAt',
  'paymentProcessedAt',
  'shippedAt',
  'deliveredAt',
  'completedAt',
  'cancelledAt',
  'cancelReason',
] as const

/** The terms of an order as decisions are made by them. */
export function coreTerms({ baseKind, ruleVersion, fee, commissions }: TermsRecord): Terms {
  const parties = new Map<string, number>()
  for (const { party, amount } of commissions)
    if (party !== undefined) parties.set(party, (parties.get(party) ?? 0) + amount)
  return {
    baseKind: baseKind as Terms['baseKind'],
    ruleVersion,
    ...(fee && { fee: { part: fee.part, whole: fee.whole } }),
    commissions: [...parties].map(([party, amount]) => ({ party, amount })),
  }
}

function paymentOf(id: string, record: PaymentRecord, terms: TermsRecord): Payment {
  const fee = terms.providerFees?.find((one) => one.payment === id)?.amount
  const fields = ['amount', 'method', 'status', 'failureReason'] as const
  const times = ['authorizedAt', 'expiresAt', 'capturedAt'] as const
  return { id, ...pick(record, ...fields, ...times), ...(fee !== undefined && { fee }) } as Payment
}

function refundOf(id: string, record: RefundRecord): Refund {
  const { payment: by, taxAmount, shippingAmount } = record
  const fields = ['amount', 'lines', 'reason', 'status', 'failureReason'] as const
  return {
    id,
    payment: by.split('/').at(-1)!,
    tax: taxAmount,
    shipping: shippingAmount,
    ...pick(record, ...fields, 'requestedAt', 'settledAt'),
  } as Refund
}

function fulfilmentOf(id: string, record: FulfilmentRecord): Fulfilment {
  const fields = ['method', 'status', 'lines', 'trackingNumber', 'carrier'] as const
  const times = ['estimatedDelivery', 'shippedAt', 'deliveredAt'] as const
  return { id, ...pick(record, ...fields, ...times) } as Fulfilment
}

function numberOf({ id }: { id: string }): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}

/** Fields of a record, without those it does not have. */
function pick<T extends object, K extends keyof T>(record: T, ...names: readonly K[]): Pick<T, K> {
  const found = names.filter((name) => record[name] !== undefined)
  return Object.fromEntries(found.map((name) => [name, record[name]])) as Pick<T, K>
}

function sameRecord(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (key, one: unknown) => {
    if (key === '$type' || key === 'updatedAt') return undefined
    if (one === null || typeof one !== 'object' || Array.isArray(one)) return one
    const entries = Object.entries(one)
    return Object.fromEntries(entries.toSorted(([x], [y]) => (x < y ? -1 : 1)))
  })
}
