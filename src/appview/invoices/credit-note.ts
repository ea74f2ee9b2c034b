import { InvalidRequestError } from '@atproto/xrpc-server'
import { halfUp } from '../money/amount.ts'
import { spread } from '../money/order-totals.ts'
import type { Invoice } from './invoice-of-order.ts'

/** What is to be credited: parts of known rates of tax, and `rest` that belongs to no line, both in
 *  minor units with tax. */
export type CreditWish = {
  readonly parts: readonly {
    readonly taxBp: number
    readonly amount: number
    readonly tax: number
  }[]
  readonly rest: number
  readonly number: string
  readonly invoiceUri: string
  readonly refund?: string | undefined
  readonly reason?: string | undefined
  readonly now: Date
}

type Group = { taxBp: number; gross: number; tax: number; credited: number; creditedTax: number }

/**
 * A credit note, and the invoice that remembers it. What belongs to no line is spread over what is
 * left at each rate, and its tax is what all that was credited comes to then, less what was before:
 * an invoice that is credited bit by bit ends with nothing left at any rate. Throws
 * `CreditTooLarge`.
 */
export function creditNote(
  invoice: Invoice,
  wish: CreditWish,
): { readonly note: Invoice; readonly invoice: Invoice } {
  const groups = groupsOf(invoice)
  const asked = wish.parts.reduce((sum, { amount }) => sum + amount, 0) + wish.rest
  const left = groups.reduce((sum, { gross, credited }) => sum + gross - credited, 0)
  if (asked > left || asked <= 0)
    throw new InvalidRequestError(
      `Of this invoice ${left} minor units are left, and ${asked} would be credited.`,
      'CreditTooLarge',
    )
  const after = spreadRest(groups, takeParts(groups, wish))
  const taxes = after.flatMap((group, n) => {
    const amount = group.credited - groups[n]!.credited
    const tax = group.creditedTax - groups[n]!.creditedTax
    return amount === 0 ? [] : [{ taxBp: group.taxBp, base: amount - tax, tax }]
  })
  const credited = after
    .filter((group) => group.credited > 0)
    .map((group) => ({ taxBp: group.taxBp, amount: group.credited, tax: group.creditedTax }))
  return { note: noteOf(invoice, wish, taxes), invoice: { ...invoice, credited } }
}

function groupsOf({ taxes, credited = [] }: Invoice): Group[] {
  return taxes.map(({ taxBp, base, tax }) => {
    const before = credited.find((one) => one.taxBp === taxBp)
    const was = { credited: before?.amount ?? 0, creditedTax: before?.tax ?? 0 }
    return { taxBp, gross: base + tax, tax, ...was }
  })
}

/** Takes what is said for each rate, as far as there is any left of it; answers the groups then,
 *  and what remains to be spread. */
function takeParts(groups: readonly Group[], { parts, rest }: CreditWish) {
  let remaining = rest
  const after = groups.map((group) => ({ ...group }))
  for (const { taxBp, amount, tax } of parts) {
    const group = after.find((one) => one.taxBp === taxBp)
    const taken = group ? Math.min(amount, group.gross - group.credited) : 0
    remaining += amount - taken
    if (!group) continue
    group.credited += taken
    group.creditedTax =
      taken === amount && group.credited < group.gross
        ? Math.min(group.creditedTax + tax, group.tax)
        : taxDue(group)
  }
  return { after, remaining }
}

function spreadRest(
  groups: readonly Group[],
  { after, remaining }: ReturnType<typeof takeParts>,
): Group[] {
  if (remaining === 0) return after
  const weights = after.map(({ gross, credited }) => gross - credited)
  const shares = spread(remaining, weights)
  return after.map((group, n) => {
    if (shares[n] === 0) return group
    const credited = group.credited + shares[n]!
    const due = taxDue({ ...group, credited })
    // Never less than was said before, nor more tax than there is amount.
    const most = groups[n]!.creditedTax + credited - groups[n]!.credited
    return { ...group, credited, creditedTax: Math.min(Math.max(due, group.creditedTax), most) }
  })
}

function taxDue({ gross, credited, tax }: Group): number {
  return gross === 0 ? 0 : halfUp(BigInt(credited) * BigInt(tax), BigInt(gross))
}

function noteOf(invoice: Invoice, wish: CreditWish, taxes: Invoice['taxes']): Invoice {
  const { credited: _, dueOn: __, shippingAmount: ___, taxIncluded: ____, ...kept } = invoice
  const { number, invoiceUri, refund, reason, now } = wish
  const sum = (of: 'base' | 'tax') => taxes.reduce((all, one) => all + one[of], 0)
  return {
    ...kept,
    kind: 'credit_note',
    number,
    invoice: invoiceUri,
    ...(refund !== undefined && { refund }),
    ...(reason !== undefined && { reason }),
    lines: taxes.map(({ taxBp, base, tax }) => ({
      description: `Credit on ${invoice.number}`,
      quantity: 1,
      unitPrice: base,
      amount: base,
      taxBp,
      tax,
    })),
    taxes,
    taxAmount: sum('tax'),
    totalAmount: sum('base') + sum('tax'),
    issuedAt: now.toISOString() as Invoice['issuedAt'],
  }
}
