import { InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../lexicons/index.ts'
import { type CustomerSpace, type Who, customerOf, nextInSeries } from '../business/customers.ts'
import type { Deciding, Decision } from '../business/transact.ts'
import { discountOf } from '../catalogue/discount.ts'
import { orderTerms } from '../collections/commerce/order-terms.ts'
import type { Method, OrderFile } from '../commerce/order-file.ts'
import { type WantedLine, placeOrder } from '../commerce/place-order.ts'
import { projectionOf, termsOf } from '../commerce/terms.ts'
import { limitExceeded } from '../limits.ts'
import { applyStock } from '../stock/stock-guard.ts'
import { backorderLimitOf, stockItemOf } from '../stock/stock-item.ts'
import { feeTermsOf } from './fee-terms.ts'
import { type Good, type Store, findDiscount, seriesOf, usesOf } from './find-goods.ts'
import { keepChange } from './keep-change.ts'
import {
  type OrderAt,
  type OrderRecord,
  type TermsRecord,
  coreTerms,
  managersOf,
  orderUri,
  partKeys,
} from './order-records.ts'
import { type Priced, type PricedBy, commissionsOf, priceGoods } from './price-goods.ts'

/** What somebody orders, from which store. */
export type Ordering = {
  readonly store: Store
  readonly goods: readonly Good[]
  readonly who: Who
  readonly by: Decision<unknown>['by']
  readonly discountCode?: string | undefined
  readonly shippingMethod?: string | undefined
  readonly expectedTotal?: number | undefined
  readonly payLater?: boolean | undefined
  readonly source?: string | undefined
  /** Who sold it, where somebody earns a commission by it. */
  readonly seller?: co.kendev.commerce.orderTerms.Commission['party']
  /** What else stands in the record of the order. */
  readonly more: Partial<OrderRecord>
}

/** Decides about an order of goods: its prices, its number, its stock and its terms. Throws what
 *  `priceGoods` does, what discounts are refused with, `PriceChanged` and `InsufficientStock`. */
export async function decideOrder(d: Deciding, asks: Ordering): Promise<Decision<Placed>> {
  const { store, goods, who } = asks
  const customer = await customerOf(d, who)
  const code = asks.discountCode
  const discount = code === undefined ? undefined : await discountFor(d, code, customer.key)
  const how: PricedBy = {
    address: asks.more.shippingAddress,
    shippingMethod: asks.shippingMethod,
    ...(discount && { discountOf: discount.of }),
  }
  const priced = priceGoods(store, goods, how)
  requireTotal(priced, asks.expectedTotal)
  requireAddress(priced, asks.more)
  if (discount) await countUse(d, discount.code, customer.key)
  const { source = 'system_generated', seller } = asks
  const commissions = commissionsOf(store, goods, { nets: priced.nets, source, seller })
  const record = {
    ...asks.more,
    ...(priced.shippingMethod !== undefined && { shippingMethod: priced.shippingMethod }),
    ...(discount && { discountCode: discount.code }),
  }
  await allowBackorders(d, goods)
  return placed(d, {
    customer,
    who,
    store,
    priced,
    commissions,
    source,
    more: record,
    by: asks.by,
    payLater: asks.payLater === true,
  })
}

/** An order that was placed. */
export type Placed = OrderAt & { readonly order: string }

/** An order whose prices are found. */
export type Placing = {
  readonly customer: CustomerSpace
  readonly who: Who
  readonly store: Store
  readonly priced: Priced
  readonly commissions: co.kendev.commerce.orderTerms.Commission[]
  readonly source: string
  readonly more: Partial<OrderRecord>
  readonly by: Decision<unknown>['by']
  readonly payLater?: boolean
  readonly dueNow?: number | undefined
}

/** Places it: the order and its terms are among the writes of the decision. */
export async function placed(d: Deciding, wish: Placing): Promise<Decision<Placed>> {
  const { customer, priced } = wish
  const at: OrderAt = { tenant: d.tenant, place: customer.place, rkey: d.nextTid() }
  await countOrder(d, wish.store)
  const terms = await termsFor(d, at, wish)
  const change = placeOrder(
    {
      lines: priced.lines.map(coreLine),
      currency: priced.currency,
      discount: priced.totals.discount,
      shipping: priced.totals.shipping,
      taxIncluded: priced.taxIncluded,
      payLater: wish.payLater === true,
      ...(wish.dueNow !== undefined && { dueNow: wish.dueNow }),
      terms: coreTerms(terms),
    },
    { now: d.now, nextId: partKeys({ at, file: NOTHING }) },
  )
  const record = {
    ...wish.more,
    orderNumber: await orderNumber(d, wish.store),
    lineItems: [...priced.lines],
    ...(priced.taxIncluded && { taxIncluded: true }),
    ...(wish.payLater && { payLater: true }),
    ...('did' in wish.who && { customer: wish.who.did }),
  } as OrderRecord
  const kept = await keepChange(
    d,
    { at, record, terms, file: change.file, parts: new Map() },
    change,
  )
  const termsWrite = { collection: orderTerms.nsid, rkey: at.rkey, record: terms }
  const writes = [
    ...customer.writes,
    ...kept.writes,
    { place: managersOf(d.tenant), ...termsWrite },
  ]
  return { answer: { order: orderUri(at), ...at }, writes, jobs: kept.jobs, by: wish.by }
}

const NOTHING = { payments: [], refunds: [], fulfilments: [] } as unknown as OrderFile

async function termsFor(
  d: Deciding,
  at: OrderAt,
  { store, priced, commissions, source }: Placing,
): Promise<TermsRecord> {
  const { totals } = priced
  const net = totals.total - totals.tax
  const fee = await feeTermsOf(d, store, { net, currency: priced.currency })
  const base = store.settings.splitBase === 'total' ? 'total' : 'net_of_tax'
  const terms = termsOf({ base, ...(fee && { fee }), earnings: [] })
  const sums = { totalAmount: totals.total, taxAmount: totals.tax }
  const { base: shared, shares } = projectionOf(terms, sums)
  return {
    order: orderUri(at),
    source,
    baseKind: terms.baseKind,
    ruleVersion: terms.ruleVersion,
    ...(fee && { fee }),
    commissions,
    projected: { base: shared, ...shares } as TermsRecord['projected'],
    createdAt: d.now.toISOString() as TermsRecord['createdAt'],
  }
}

function coreLine({ stockItem, fulfilment, ...line }: Priced['lines'][number]): WantedLine {
  const { id, quantity, unitPrice, taxBp } = line
  const counted = stockItem === undefined ? {} : { item: stockItem }
  return { id, quantity, unitPrice, taxBp, ...counted, method: fulfilment as Method }
}

/** Throws `LimitExceeded` for more orders in a month than the plan has (`domain.md` D-104). */
async function countOrder(d: Deciding, { tenant }: Store): Promise<void> {
  const allowed = tenant.limits.ordersPerMonth
  const used = await nextInSeries(d, `orders ${d.now.toISOString().slice(0, 7)}`)
  if (used > allowed)
    throw limitExceeded(
      { limit: 'ordersPerMonth', used: allowed, allowed },
      'The shop has to take a larger plan.',
    )
}

/** Numbers of a year have no gaps (`domain.md` D-45); years begin where the store is. */
async function orderNumber(d: Deciding, { settings }: Store): Promise<string> {
  const timeZone = settings.timeZone ?? 'UTC'
  const year = new Intl.DateTimeFormat('en', { year: 'numeric', timeZone }).format(d.now)
  const number = await nextInSeries(d, `order ${year}`)
  return `ORD-${year}-${String(number).padStart(6, '0')}`
}

function requireTotal({ totals, currency }: Priced, expected: number | undefined): void {
  if (expected === undefined || expected === totals.total) return
  throw new InvalidRequestError(
    `It comes to ${totals.total} ${currency} by now, not ${expected}. Show that and ask again.`,
    'PriceChanged',
  )
}

function requireAddress({ lines }: Priced, { shippingAddress }: Partial<OrderRecord>): void {
  if (shippingAddress || lines.every(({ fulfilment }) => fulfilment !== 'physical')) return
  throw new InvalidRequestError('Say where the goods are to be sent.', 'AddressMissing')
}

/** What a code takes off, counted with the uses before. */
async function discountFor(d: Deciding, entered: string, customer: string) {
  const { code, discount } = await findDiscount(d.tx, d.tenant, entered)
  const uses = await usesOf(d.tx, { tenant: d.tenant, code, customer })
  const of = (subtotal: number, currency: string) => {
    const found = discountOf(discount, { subtotal, currency, now: d.now, ...uses })
    if ('amount' in found) return found.amount
    throw new InvalidRequestError(`The discount ${code} does not count here.`, found.refused)
  }
  return { code, of }
}

async function countUse(d: Deciding, code: string, customer: string): Promise<void> {
  for (const series of [seriesOf(code), seriesOf(code, customer)]) await nextInSeries(d, series)
}

/** How much may be sold beyond what is there follows from the products. */
async function allowBackorders(d: Deciding, goods: readonly Good[]): Promise<void> {
  const changes = goods.flatMap(({ uri, product, variant }) => {
    const counted = { uri, productType: product.productType, inventory: product.inventory }
    const item = stockItemOf(d.tenant, counted, variant?.id)
    return item === undefined ? [] : [{ item, backorderLimit: backorderLimitOf(product) }]
  })
  await applyStock(d.tx, d.tenant, changes)
}
