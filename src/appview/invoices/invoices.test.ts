import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orderTotals } from '../money/order-totals.ts'
import { creditNote } from './credit-note.ts'
import { type Invoice, invoiceOfOrder } from './invoice-of-order.ts'
import { invoicePdf } from './invoice-pdf.ts'
import { invoiceState } from './invoice-state.ts'

const NOW = new Date('2026-11-27T22:30:00Z')
const uri = 'at://did:plc:shop/co.kendev.commerce.order/3m6bkl2222222'
type Item = { unitPrice: number; quantity: number; taxBp: number }

function orderOf(items: readonly Item[], { discount = 0, shipping = 0 } = {}) {
  const totals = orderTotals(items, { discount, shipping })
  const lineItems = totals.lines.map((line, n) => ({
    ...line,
    id: `l${n}`,
    product: 'at://did:plc:shop/co.kendev.commerce.product/3m6bkl2222222',
    fulfilment: 'physical',
    productSnapshot: { title: `Thing ${n}`, variantName: 'Large' },
  }))
  return {
    orderNumber: 'ORD-2026-000001',
    status: 'processing',
    lineItems,
    currency: 'EUR',
    subtotal: totals.subtotal,
    discountAmount: totals.discount,
    taxAmount: totals.tax,
    shippingAmount: totals.shipping,
    totalAmount: totals.total,
    paymentStatus: 'captured',
    fulfilmentStatus: 'pending',
    placedAt: '2026-11-27T10:00:00Z',
    contact: { name: 'Ben', email: 'ben@example.com' },
    shippingAddress: { address1: 'Road 1', postalCode: '10115', city: 'Berlin', country: 'DE' },
  } as const
}

const settings = {
  timeZone: 'Europe/Berlin',
  invoice: { sellerName: 'Car Audio', taxId: 'DE1', paymentTermsDays: 7, footer: 'Thank you.' },
}
const invoiceFor = (...of: Parameters<typeof orderOf>) =>
  invoiceOfOrder({
    number: 'INV-2026-000001',
    uri,
    order: orderOf(...of),
    settings,
    tenantName: 'Shop',
    now: NOW,
  })
const items = [
  { unitPrice: 10_000, quantity: 2, taxBp: 1_900 },
  { unitPrice: 999, quantity: 1, taxBp: 700 },
]
const sumOf = ({ taxes }: Invoice) => taxes.reduce((all, { base, tax }) => all + base + tax, 0)

test('an invoice has what was agreed, and what each rate of tax comes to', () => {
  const invoice = invoiceFor(items, { shipping: 490 })
  expect(invoice).toMatchObject({
    seller: { name: 'Car Audio', taxId: 'DE1' },
    buyer: { name: 'Ben', lines: ['Road 1', '10115 Berlin', 'DE'], email: 'ben@example.com' },
    taxes: [
      { taxBp: 1_900, base: 20_000, tax: 3_800 },
      { taxBp: 700, base: 999, tax: 70 },
      { taxBp: 0, base: 490, tax: 0 },
    ],
    totalAmount: 25_359,
    // It is the 28th in Berlin already when it is sent; seven days later is the last to pay.
    dueOn: '2026-12-04',
  })
  expect(sumOf(invoice)).toBe(invoice.totalAmount)
})

const amounts = fc.record({
  unitPrice: fc.nat(100_000),
  quantity: fc.integer({ min: 1, max: 20 }),
  taxBp: fc.constantFrom(0, 700, 1_900, 725),
})

test('rates of tax sum to the total, whatever was ordered', () => {
  fc.assert(
    fc.property(fc.array(amounts, { minLength: 1, maxLength: 8 }), fc.nat(50_000), (all, off) => {
      const invoice = invoiceFor(all, { discount: off, shipping: off % 700 })
      expect(sumOf(invoice)).toBe(invoice.totalAmount)
    }),
  )
})

test('an invoice that is credited bit by bit ends with nothing left at any rate', () => {
  const parts = fc.array(fc.nat(30_000), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(amounts, { minLength: 1, maxLength: 5 }), parts, (all, some) => {
      let invoice = invoiceFor(all, { shipping: 490 })
      let left = invoice.totalAmount
      const notes: Invoice[] = []
      for (const wanted of [...some, Number.MAX_SAFE_INTEGER]) {
        const rest = Math.min(wanted, left)
        if (rest === 0) continue
        const wish = { parts: [], rest, number: 'CN', invoiceUri: uri, now: NOW }
        const made = creditNote(invoice, wish)
        expect(made.note.totalAmount).toBe(rest)
        expect(sumOf(made.note)).toBe(rest)
        for (const { base, tax } of made.note.taxes)
          expect(Math.min(base, tax)).toBeGreaterThanOrEqual(0)
        notes.push(made.note)
        invoice = made.invoice
        left -= rest
      }
      for (const { taxBp, base, tax } of invoice.taxes) {
        const back = notes.flatMap((note) => note.taxes.filter((one) => one.taxBp === taxBp))
        expect(back.reduce((sum, one) => sum + one.base, 0)).toBe(base)
        expect(back.reduce((sum, one) => sum + one.tax, 0)).toBe(tax)
      }
    }),
    { numRuns: 500 },
  )
})

test('what went back for a line is credited at its rate, and never more than is left', () => {
  const invoice = invoiceFor(items)
  const wish = { number: 'CN-2026-000001', invoiceUri: uri, now: NOW, reason: 'late' }
  const parts = [{ taxBp: 1_900, amount: 11_900, tax: 1_900 }]
  const { note, invoice: after } = creditNote(invoice, { ...wish, parts, rest: 0 })
  expect(note).toMatchObject({
    kind: 'credit_note',
    taxes: [{ taxBp: 1_900, base: 10_000, tax: 1_900 }],
    totalAmount: 11_900,
    invoice: uri,
    reason: 'late',
  })
  expect(note).not.toHaveProperty('dueOn')
  const more = { ...wish, parts: [], rest: after.totalAmount - 11_899 }
  expect(() => creditNote(after, more)).toThrow('12969 minor units are left')
  expect(() => creditNote(after, { ...wish, parts: [], rest: 0 })).toThrow('0 would be credited')
})

test('an invoice is paid by money and not by a credit, and a refund with its note owes nothing', () => {
  const invoice = invoiceFor([{ unitPrice: 10_000, quantity: 1, taxBp: 0 }])
  const state = (captured: number, refunded: number, credit = 0, at = NOW) => {
    const credited = [{ taxBp: 0, amount: credit, tax: 0 }]
    const { status, balance } = invoiceState({ ...invoice, credited }, { captured, refunded }, at)
    return `${status} ${balance}`
  }
  expect(state(0, 0)).toBe('sent 10000')
  expect(state(4_000, 0)).toBe('partial 6000')
  expect(state(10_000, 0)).toBe('paid 0')
  expect(state(12_000, 0)).toBe('paid -2000')
  expect(state(0, 0, 3_000)).toBe('sent 7000')
  expect(state(10_000, 3_000, 3_000)).toBe('paid 0')
  expect(state(10_000, 3_000)).toBe('paid 0')
  expect(state(10_000, 10_000, 10_000)).toBe('credited 0')
  // The last day ends where the tenant is.
  expect(state(0, 0, 0, new Date('2026-12-04T22:59:59Z'))).toBe('sent 10000')
  expect(state(0, 0, 0, new Date('2026-12-04T23:00:00Z'))).toBe('overdue 10000')
})

/** The words of a PDF that writes them in one standard font, as pdfkit does. */
function wordsOf(pdf: Buffer): string {
  const text = pdf.toString('latin1')
  const streams = [...text.matchAll(/stream\n([^]*?)\nendstream/g)].map(({ 1: data }) => data!)
  const pages = streams.flatMap((data) => {
    try {
      return inflateSync(Buffer.from(data, 'latin1')).toString('latin1')
    } catch {
      return []
    }
  })
  const hex = (shown: string) =>
    shown.replaceAll(/<([0-9a-f]*)>|[^<]+/g, (_, code?: string) =>
      code === undefined ? '' : Buffer.from(code, 'hex').toString('latin1'),
    )
  return pages
    .flatMap((page) => [...page.matchAll(/\[(.*?)\] TJ/g)].map(({ 1: t }) => hex(t!)))
    .join('\n')
}

test('the file says what the invoice says, over as many pages as it takes', async () => {
  const many = Array.from({ length: 60 }, () => items[0]!)
  const invoice = invoiceFor([...items, ...many], { shipping: 490 })
  const foreign = { ...invoice, buyer: { name: 'Łukasz Żółć 李' } }
  const money = { captured: 1_000, refunded: 0 }
  const pdf = await invoicePdf(foreign, invoiceState(foreign, money, NOW))
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
  const words = wordsOf(pdf)
  for (const text of [
    'Invoice INV-2026-000001',
    'Car Audio',
    'Tax number DE1',
    'Due 2026-12-04',
    'Thing 0, Large',
    '19 % tax on 12,200.00',
    '7 % tax on 9.99',
    'Shipping',
    'Thank you.',
    'Total',
    'Paid',
    '10.00',
    '?ukasz Zó?c ?',
  ])
    expect(words.includes(text), text).toBe(true)
  expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)!.length).toBeGreaterThan(1)
  expect(await invoicePdf(foreign, invoiceState(foreign, money, NOW))).toEqual(pdf)
})
