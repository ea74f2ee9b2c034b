import { type Invoice, dayIn } from './invoice-of-order.ts'

/** How an invoice stands, in minor units. */
export type InvoiceState = {
  readonly status: 'sent' | 'partial' | 'paid' | 'overdue' | 'credited'
  readonly paidAmount: number
  readonly creditedAmount: number
  readonly balance: number
}

/**
 * How an invoice stands (`domain.md` D-53): what is left is its total less what was paid and less
 * what was credited. A credit note for money that went back takes nothing more from what is owed,
 * and a credit alone pays nothing. It is overdue once its last day is over where the tenant is.
 */
export function invoiceState(
  invoice: Pick<Invoice, 'kind' | 'totalAmount' | 'credited' | 'dueOn' | 'timeZone'>,
  money: { readonly captured: number; readonly refunded: number },
  now: Date,
): InvoiceState {
  const { kind, totalAmount, credited = [], dueOn, timeZone } = invoice
  if (kind === 'credit_note')
    return { status: 'sent', paidAmount: 0, creditedAmount: 0, balance: 0 }
  const { captured, refunded } = money
  const creditedAmount = credited.reduce((sum, { amount }) => sum + amount, 0)
  const balance = totalAmount - captured - Math.max(0, creditedAmount - refunded)
  const state = { paidAmount: Math.max(0, captured - refunded), creditedAmount, balance }
  if (totalAmount > 0 && creditedAmount >= totalAmount) return { status: 'credited', ...state }
  if (balance <= 0) return { status: 'paid', ...state }
  if (dueOn !== undefined && dayIn(timeZone, now) > dueOn) return { status: 'overdue', ...state }
  return { status: captured > 0 ? 'partial' : 'sent', ...state }
}
