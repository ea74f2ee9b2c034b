import PDFDocument from 'pdfkit'
import type { Invoice } from './invoice-of-order.ts'
import type { InvoiceState } from './invoice-state.ts'

type Doc = InstanceType<typeof PDFDocument>

const MARGIN = 56
const WIDTH = 595.28 - 2 * MARGIN
/** Where each column of the lines ends, from the left margin, and how wide it is. */
const COLUMNS = [
  { width: 225, align: 'left' },
  { width: 45, align: 'right' },
  { width: 75, align: 'right' },
  { width: 55, align: 'right' },
  { width: 83, align: 'right' },
] as const
const ROW = 18
const BOTTOM = 841.89 - MARGIN - 40

/** An invoice or a credit note as a file to print, A4. The same invoice in the same state is the
 *  same file, byte by byte. */
export function invoicePdf(invoice: Invoice, state: InvoiceState): Promise<Buffer> {
  const doc = new PDFDocument({
    size: 'A4',
    margin: MARGIN,
    info: {
      Title: plain(invoice.number),
      Author: plain(invoice.seller.name ?? ''),
      CreationDate: new Date(invoice.issuedAt),
    },
  })
  const pieces: Buffer[] = []
  const done = new Promise<Buffer>((resolve, reject) => {
    doc.on('data', (piece: Buffer) => pieces.push(piece))
    doc.on('end', () => resolve(Buffer.concat(pieces)))
    doc.on('error', reject)
  })
  heading(doc, invoice)
  lines(doc, invoice)
  totals(doc, invoice, state)
  if (invoice.footer !== undefined) doc.moveDown(2).fontSize(8).text(plain(invoice.footer), MARGIN)
  doc.end()
  return done
}

function heading(doc: Doc, invoice: Invoice): void {
  const { seller, buyer, kind, number, issuedAt, dueOn, reason } = invoice
  doc
    .font('Helvetica-Bold')
    .fontSize(11)
    .text(plain(seller.name ?? ''))
  doc.font('Helvetica').fontSize(9)
  for (const text of seller.lines ?? []) doc.text(plain(text))
  if (seller.taxId !== undefined) doc.text(`Tax number ${plain(seller.taxId)}`)
  doc.moveDown(2)
  for (const text of [buyer.name, ...(buyer.lines ?? []), buyer.email])
    if (text !== undefined) doc.text(plain(text))
  const title = kind === 'invoice' ? 'Invoice' : 'Credit note'
  doc
    .moveDown(2)
    .font('Helvetica-Bold')
    .fontSize(16)
    .text(`${title} ${plain(number)}`)
  doc.font('Helvetica').fontSize(9)
  doc.text(`Date ${issuedAt.slice(0, 10)}`)
  if (dueOn !== undefined) doc.text(`Due ${dueOn}`)
  if (reason !== undefined) doc.text(plain(reason))
  doc.moveDown(1)
}

function lines(doc: Doc, { lines: all, currency }: Invoice): void {
  doc.font('Helvetica-Bold')
  row(doc, ['', 'Quantity', 'Price', 'Tax', `Amount ${currency}`])
  doc.font('Helvetica')
  for (const { description, quantity, unitPrice, taxBp, amount } of all)
    row(doc, [
      plain(description),
      String(quantity),
      money(unitPrice, currency),
      percent(taxBp),
      money(amount, currency),
    ])
}

function totals(doc: Doc, invoice: Invoice, state: InvoiceState): void {
  const { currency, taxes, totalAmount, shippingAmount = 0, taxIncluded, kind } = invoice
  doc.moveDown(0.5)
  const sum = (name: string, amount: number) =>
    row(doc, [name, '', '', '', money(amount, currency)])
  if (shippingAmount > 0) sum('Shipping', shippingAmount)
  for (const { taxBp, base, tax } of taxes) {
    const word = taxIncluded ? 'of it tax' : 'tax'
    if (tax > 0) sum(`${percent(taxBp)} ${word} on ${money(base, currency)}`, tax)
  }
  doc.font('Helvetica-Bold')
  sum('Total', totalAmount)
  doc.font('Helvetica')
  if (kind === 'credit_note') return
  if (state.paidAmount > 0) sum('Paid', state.paidAmount)
  if (state.creditedAmount > 0) sum('Credited', state.creditedAmount)
  sum('To be paid', Math.max(0, state.balance))
}

function row(doc: Doc, cells: readonly string[]): void {
  if (doc.y > BOTTOM) doc.addPage()
  const y = doc.y
  let x = MARGIN
  for (const [n, { width, align }] of COLUMNS.entries()) {
    doc.text(fit(doc, cells[n]!, width - 6), x, y, { width, align, lineBreak: false })
    x += width
  }
  doc.text('', MARGIN, y + ROW, { width: WIDTH })
  doc.y = y + ROW
}

/** What does not fit into a column ends in dots. */
function fit(doc: Doc, text: string, width: number): string {
  if (doc.widthOfString(text) <= width) return text
  let end = text.length
  while (end > 0 && doc.widthOfString(`${text.slice(0, end)}...`) > width) end -= 1
  return `${text.slice(0, end)}...`
}

/** Minor units as people write them, reckoned without fractions. */
function money(amount: number, currency: string): string {
  const style = { style: 'currency', currency } as const
  const digits = new Intl.NumberFormat('en', style).resolvedOptions().maximumFractionDigits ?? 2
  const text = String(amount).padStart(digits + 1, '0')
  const whole = (digits === 0 ? text : text.slice(0, -digits)).replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return digits === 0 ? whole : `${whole}.${text.slice(-digits)}`
}

function percent(bp: number): string {
  return `${Math.floor(bp / 100)}${bp % 100 === 0 ? '' : `.${String(bp % 100).padStart(2, '0')}`} %`
}

/** The standard fonts have the letters of western Europe: others lose their accents, or are shown
 *  as a question mark. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(FOREIGN, bare)
}

function bare(char: string): string {
  return char.normalize('NFKD').replaceAll(FOREIGN, '') || '?'
}

const FOREIGN = /[^\u0020-\u007E\u00A1-\u00FF€–—‘’“”•…]/gu
