import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, record, text, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'
import { isTimeZone } from './time-zone.ts'

type Invoice = co.kendev.commerce.invoice.Main

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** An invoice or a credit note as it was sent. How far it is paid hangs on payments and on what day
 *  it is, so methods work that out for each answer. */
export const invoice = collection({
  record: co.kendev.commerce.invoice,
  table: 'invoice',
  columns: {
    kind: text(),
    number: text(),
    order: record(),
    customer: did().optional(),
    issuedAt: timestamp(),
    content: part<Invoice>(),
  },
  indexes: [['did', 'issuedAt'], ['order']],
  access: { places: 'permissioned', of: 'tenant', audience: 'customer' },

  accept({ record: sent }) {
    if (!isCurrency(sent.currency)) return 'UnknownCurrency'
    if (!isTimeZone(sent.timeZone)) return 'UnknownTimeZone'
    if (sent.dueOn !== undefined && !DAY.test(sent.dueOn)) return 'BadDay'
    if (sent.kind === 'credit_note' && sent.invoice === undefined) return 'InvoiceMissing'
    const sum = (of: 'base' | 'tax') => sent.taxes.reduce((all, one) => all + one[of], 0)
    if (sum('tax') !== sent.taxAmount || sum('base') + sum('tax') !== sent.totalAmount)
      return 'SumsDiffer'
    const credited = (sent.credited ?? []).reduce((all, { amount }) => all + amount, 0)
    return credited > sent.totalAmount ? 'CreditedTooMuch' : undefined
  },

  row: ({ record: sent, claimed }) => ({
    kind: sent.kind,
    number: sent.number,
    order: sent.order,
    customer: sent.customer ?? null,
    issuedAt: claimed(sent.issuedAt),
    content: sent,
  }),

  view: ({ content, ...row }): Omit<co.kendev.commerce.defs.InvoiceView, Reckoned> => {
    const { $type: _, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      tenant: row.did,
      issuedAt: instant(row.issuedAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  examples: {
    good: [
      { audience: 'customer', record: sold({ customer: 'did:plc:ben' }) },
      {
        audience: 'customer',
        record: sold({
          kind: 'credit_note',
          number: 'CN-2026-000001',
          invoice: 'at://did:plc:alice/co.kendev.commerce.invoice/3m6bkl2222222',
          reason: 'It came too late.',
        }),
      },
    ],
    bad: {
      UnknownCurrency: { audience: 'customer', record: sold({ currency: 'eur' }) },
      UnknownTimeZone: { audience: 'customer', record: sold({ timeZone: '+01:00' }) },
      BadDay: { audience: 'customer', record: sold({ dueOn: '07.12.2026' }) },
      InvoiceMissing: { audience: 'customer', record: sold({ kind: 'credit_note' }) },
      SumsDiffer: { audience: 'customer', record: sold({ totalAmount: 12_000 }) },
      CreditedTooMuch: {
        audience: 'customer',
        record: sold({ credited: [{ taxBp: 1_900, amount: 12_000, tax: 0 }] }),
      },
    },
  },
})

type Reckoned = 'status' | 'paidAmount' | 'creditedAmount' | 'balance'

function sold(content: Partial<Invoice>): Omit<Invoice, '$type'> {
  const line = { description: 'Speakers', quantity: 1, unitPrice: 10_000, amount: 10_000 }
  return {
    kind: 'invoice',
    number: 'INV-2026-000001',
    order: 'at://did:plc:alice/co.kendev.commerce.order/3m6bkl2222222',
    seller: { name: 'Car Audio', lines: ['Main Street 1'] },
    buyer: { name: 'Ben' },
    currency: 'EUR',
    lines: [{ ...line, taxBp: 1_900, tax: 1_900 }],
    taxes: [{ taxBp: 1_900, base: 10_000, tax: 1_900 }],
    taxAmount: 1_900,
    totalAmount: 11_900,
    issuedAt: '2026-11-23T10:00:00Z',
    dueOn: '2026-12-07',
    timeZone: 'Europe/Berlin',
    ...content,
  }
}
