import type { co } from '../../lexicons/index.ts'

type Order = Omit<co.kendev.commerce.order.Main, '$type'>
type Settings = Omit<co.kendev.commerce.storeSettings.Main, '$type'>

/** An invoice or a credit note, without its type. */
export type Invoice = Omit<co.kendev.commerce.invoice.Main, '$type'>
/** What is taxed by one rate. */
export type TaxTotal = co.kendev.commerce.invoice.TaxTotal

const TERMS_DAYS = 14
const DAY_MS = 86_400_000

/** What an invoice is made of beside its order. */
export type InvoiceParts = {
  readonly number: string
  /** The uri of the order. */
  readonly uri: string
  readonly order: Order & { readonly taxIncluded?: boolean | undefined }
  readonly settings: Partial<Settings>
  /** What the tenant is called. */
  readonly tenantName: string
  readonly now: Date
}

/** The invoice of an order: its lines and taxes as they were agreed, summed for each rate. Shipping
 *  is not taxed (`domain.md` D-53). */
export function invoiceOfOrder(parts: InvoiceParts): Invoice {
  const { number, uri, order, settings, tenantName, now } = parts
  const { taxIncluded = false, shippingAmount } = order
  const lines = order.lineItems.map((line) => ({
    description: [line.productSnapshot.title, line.productSnapshot.variantName]
      .filter((word) => word !== undefined)
      .join(', '),
    quantity: line.quantity,
    unitPrice: line.unitPrice,
    amount: line.totalPrice - line.discount,
    taxBp: line.taxBp,
    tax: line.tax,
  }))
  const timeZone = settings.timeZone ?? 'UTC'
  const { paymentTermsDays = TERMS_DAYS, footer } = settings.invoice ?? {}
  return {
    kind: 'invoice',
    number,
    order: uri,
    ...(order.customer !== undefined && { customer: order.customer }),
    seller: sellerOf(settings, tenantName),
    buyer: buyerOf(order),
    currency: order.currency,
    ...(taxIncluded && { taxIncluded }),
    lines,
    shippingAmount,
    taxes: taxTotals(lines, { taxIncluded, shippingAmount }),
    taxAmount: order.taxAmount,
    totalAmount: order.totalAmount,
    ...(footer !== undefined && { footer }),
    issuedAt: now.toISOString() as Invoice['issuedAt'],
    dueOn: dayIn(timeZone, new Date(now.getTime() + paymentTermsDays * DAY_MS)),
    timeZone,
  }
}

/** What lines come to for each rate of tax, the highest first. */
export function taxTotals(
  lines: readonly { readonly amount: number; readonly taxBp: number; readonly tax: number }[],
  { taxIncluded, shippingAmount }: { taxIncluded: boolean; shippingAmount: number },
): TaxTotal[] {
  const byRate = new Map<number, { base: number; tax: number }>()
  const add = (taxBp: number, base: number, tax: number) => {
    const before = byRate.get(taxBp) ?? { base: 0, tax: 0 }
    byRate.set(taxBp, { base: before.base + base, tax: before.tax + tax })
  }
  for (const { amount, taxBp, tax } of lines) add(taxBp, amount - (taxIncluded ? tax : 0), tax)
  if (shippingAmount > 0) add(0, shippingAmount, 0)
  return [...byRate]
    .map(([taxBp, sums]) => ({ taxBp, ...sums }))
    .toSorted((a, b) => b.taxBp - a.taxBp)
}

/** The day it is in a time zone, as YYYY-MM-DD. */
export function dayIn(timeZone: string, at: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at)
}

function sellerOf({ invoice = {} }: Partial<Settings>, tenantName: string): Invoice['seller'] {
  const { sellerName, sellerAddress, taxId } = invoice
  return {
    name: sellerName ?? tenantName,
    ...(sellerAddress && { lines: sellerAddress }),
    ...(taxId !== undefined && { taxId }),
  }
}

function buyerOf({ billingAddress, shippingAddress, contact }: Order): Invoice['buyer'] {
  const isSame = billingAddress?.sameAsShipping ?? true
  const at = (isSame ? shippingAddress : billingAddress) ?? {}
  const { name, company, address1, address2, postalCode, city, state, country } = at as Partial<
    NonNullable<Order['shippingAddress']>
  >
  const town = [postalCode, city, state].filter((word) => word !== undefined).join(' ')
  const lines = [company, address1, address2, town, country].filter(
    (text) => text !== undefined && text !== '',
  ) as string[]
  const called = name ?? contact?.name
  return {
    ...(called !== undefined && { name: called }),
    ...(lines.length > 0 && { lines }),
    ...(contact?.email !== undefined && { email: contact.email }),
  }
}
