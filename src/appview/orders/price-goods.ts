import { InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../lexicons/index.ts'
import { agreedOf } from '../catalogue/product-terms.ts'
import { shippingOffers, taxRateOf } from '../catalogue/store-terms.ts'
import { pricedLines } from '../commerce/place-order.ts'
import type { Method } from '../commerce/order-file.ts'
import { commissionOf, effectiveCommission } from '../money/commission.ts'
import type { TotalledLine, Totals } from '../money/order-totals.ts'
import { stockItemOf } from '../stock/stock-item.ts'
import type { Good, Store } from './find-goods.ts'

type Address = co.kendev.commerce.order.Address
type LineItem = co.kendev.commerce.order.LineItem
type Did = NonNullable<co.kendev.commerce.orderTerms.Commission['party']>
export type Offer = { readonly id: string; readonly name: string; readonly amount: number }

/** A cart with what it comes to. */
export type Priced = {
  readonly currency: string
  readonly lines: readonly LineItem[]
  readonly totals: Totals
  readonly taxIncluded: boolean
  readonly offers: readonly Offer[]
  readonly shippingMethod: string | undefined
  /** What each line costs before tax, for what is earned from it. */
  readonly nets: readonly number[]
}

/** What a cart is sent by, and what is taken off it. */
export type PricedBy = {
  readonly address?: Address | undefined
  readonly shippingMethod?: string | undefined
  /** In minor units, of goods that cost so much. */
  readonly discountOf?: (subtotal: number, currency: string) => number
}

/** What each type of product is handed over as. */
const WAYS: Readonly<Record<string, Method>> = {
  ai_print_demand: 'physical',
  physical: 'physical',
  digital_download: 'digital',
  course_training: 'digital',
}

/** Reckons what goods cost in a store now. Throws `NothingOrdered`, `NotForSale`, `OtherCurrency`,
 *  `NoSuchShipping` and `TooMuch`. */
export function priceGoods(store: Store, goods: readonly Good[], by: PricedBy = {}): Priced {
  const currency = currencyOf(store, goods)
  const { pricesIncludeTax: taxIncluded = false } = store.settings
  const offers = offersOf(store, goods, by)
  const chosen = chosenOf(store, goods, offers, by)
  const isFetched = chosen !== undefined && zonesOf(store, chosen).includes('pickup')
  const wanted = goods.map((good, n) =>
    wantedLine(store, good, { n, address: by.address, isFetched }),
  )
  const plain = pricedLines({ lines: wanted, currency, taxIncluded })
  const discount = by.discountOf?.(plain.subtotal, currency) ?? 0
  const shipping = chosen?.amount ?? 0
  const totals = pricedLines({ lines: wanted, currency, discount, shipping, taxIncluded })
  return {
    currency,
    lines: wanted.map((line, n) => lineItem(goods[n]!, line, totals.lines[n]!)),
    totals,
    taxIncluded,
    offers,
    shippingMethod: chosen?.id,
    nets: totals.lines.map((line) => {
      return line.totalPrice - line.discount - (taxIncluded ? line.tax : 0)
    }),
  }
}

/** What each line brings as a commission (`domain.md` D-41). */
export function commissionsOf(
  { sharing }: Pick<Store, 'sharing'>,
  goods: readonly Good[],
  { nets, source, seller }: { nets: readonly number[]; source: string; seller?: Did | undefined },
) {
  const tenantBp = sharing?.enabled ? sharing.defaultRateBp : undefined
  return goods.map(({ product, terms }, n) => {
    const asked = { productType: product.productType, ...agreedOf(terms), tenantBp, source }
    const { rateBp, rule } = effectiveCommission(asked)
    const amount = commissionOf(nets[n]!, rateBp)
    return { ...(seller !== undefined && { party: seller }), line: lineId(n), amount, rateBp, rule }
  })
}

const lineId = (n: number) => `l${n + 1}`

function currencyOf({ settings }: Store, goods: readonly Good[]): string {
  const all = new Set(goods.flatMap(({ product }) => product.pricing?.currency ?? []))
  const [first, second] = [...all]
  if (second === undefined) return first ?? settings.currency ?? 'USD'
  throw new InvalidRequestError(
    `What is ordered together has one currency, not ${first} and ${second}.`,
    'OtherCurrency',
  )
}

type Line = ReturnType<typeof wantedLine>

function wantedLine(
  { settings, tenant }: Store,
  { uri, product, variant, quantity }: Good,
  at: { n: number; address: Address | undefined; isFetched: boolean },
) {
  const { pricing, productType } = product
  const unitPrice = variant?.price ?? pricing?.salePrice ?? pricing?.basePrice
  if (unitPrice === undefined)
    throw new InvalidRequestError(`${product.title} has a price on request.`, 'NotForSale')
  const { country, state } = at.address ?? {}
  const region = country !== undefined && state !== undefined ? `${country}-${state}` : undefined
  const counted = { uri, productType, inventory: product.inventory }
  const item = stockItemOf(tenant.did, counted, variant?.id)
  const way = WAYS[productType] ?? 'service'
  const isSent = way === 'physical' && product.shipping?.requiresShipping !== false
  return {
    id: lineId(at.n),
    ...(item !== undefined && { item }),
    quantity,
    unitPrice,
    taxBp: taxRateOf(settings, product, { country, region })?.rateBp ?? 0,
    method: way === 'physical' && (!isSent || at.isFetched) ? ('pickup' as const) : way,
  }
}

function lineItem(good: Good, { item, method, ...line }: Line, sums: TotalledLine): LineItem {
  const { uri, product, variant } = good
  const image = product.gallery?.find(({ kind = 'image' }) => kind === 'image')?.media
  const snapshot = {
    title: product.title,
    productType: product.productType,
    variantName: variant?.name,
    options: variant?.options,
    sku: variant?.sku ?? product.sku,
    taxCategory: product.taxCategory,
    image,
  }
  const { totalPrice, discount, tax } = sums
  return {
    ...line,
    totalPrice,
    discount,
    tax,
    product: uri,
    ...(variant && { variant: variant.id }),
    ...(item !== undefined && { stockItem: item }),
    fulfilment: method,
    productSnapshot: Object.fromEntries(
      Object.entries(snapshot).filter(([, value]) => value !== undefined),
    ) as LineItem['productSnapshot'],
  }
}

/** Goods that have to be sent. */
function sentOf(goods: readonly Good[]): Good[] {
  return goods.filter(
    ({ product }) =>
      WAYS[product.productType] === 'physical' && product.shipping?.requiresShipping !== false,
  )
}

function offersOf(store: Store, goods: readonly Good[], { address }: PricedBy): Offer[] {
  const sent = sentOf(goods)
  if (sent.length === 0) return []
  const { country, state } = address ?? {}
  const price = ({ product, variant, quantity }: Good) => {
    const { pricing } = product
    return (variant?.price ?? pricing?.salePrice ?? pricing?.basePrice ?? 0) * quantity
  }
  const classes = sent.flatMap(({ product }) => product.shipping?.shippingClass ?? [])
  return shippingOffers(store.settings, {
    to: {
      country,
      region: country !== undefined && state !== undefined ? `${country}-${state}` : undefined,
      home: homeOf(store),
    },
    classes: [...new Set(classes)],
    subtotal: sent.reduce((all, good) => all + price(good), 0),
    free: sent.every(({ product }) => product.shipping?.freeShipping === true),
  })
}

/** Where the store is: the country of its first tax rate that has one. */
function homeOf({ settings }: Store): string | undefined {
  return settings.taxRates?.find(({ region }) => region !== undefined)?.region?.slice(0, 2)
}

/** The way that was named, or the cheapest; none where a store names no ways or nothing is sent. */
function chosenOf(
  { settings }: Store,
  goods: readonly Good[],
  offers: readonly Offer[],
  { shippingMethod }: PricedBy,
): Offer | undefined {
  if (sentOf(goods).length === 0) return undefined
  if (shippingMethod === undefined) return offers.toSorted((a, b) => a.amount - b.amount)[0]
  const found = offers.find(({ id }) => id === shippingMethod)
  if (found) return found
  const known = offers.map(({ id }) => id).join(', ')
  const isAny = (settings.shippingMethods ?? []).some(({ id }) => id === shippingMethod)
  throw new InvalidRequestError(
    `${isAny ? 'These goods are not sent there like this' : 'There is no such way to send'}.` +
      (known === '' ? ' There is none for them.' : ` Take one of ${known}.`),
    'NoSuchShipping',
  )
}

function zonesOf({ settings }: Store, { id }: Offer): readonly string[] {
  return settings.shippingMethods?.find((one) => one.id === id)?.zones ?? []
}
