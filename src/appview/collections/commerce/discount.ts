import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'

type Discount = co.kendev.commerce.discount.Main

const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** A reduction that customers get for a code. The code is the key, so no tenant has it twice. */
export const discount = collection({
  record: co.kendev.commerce.discount,
  table: 'discount',
  columns: { createdAt: timestamp(), content: part<Discount>() },
  indexes: [['did', 'createdAt']],
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record, rkey }) {
    if (!CODE.test(rkey)) return 'BadCode'
    const { kind, rateBp, amount, currency, startsAt, endsAt, minimumSubtotal } = record
    if (kind === 'percent' && (rateBp === undefined || amount !== undefined)) return 'RateMissing'
    if (kind === 'amount' && (amount === undefined || rateBp !== undefined)) return 'AmountMissing'
    const needsCurrency = amount !== undefined || minimumSubtotal !== undefined
    if (needsCurrency && currency === undefined) return 'CurrencyMissing'
    if (currency !== undefined && !isCurrency(currency)) return 'UnknownCurrency'
    const isBackwards = startsAt && endsAt && Date.parse(endsAt) <= Date.parse(startsAt)
    return isBackwards ? 'EndsBeforeItBegins' : undefined
  },

  row: ({ record, claimed }) => ({ createdAt: claimed(record.createdAt), content: record }),

  view: ({ content, ...row }): co.kendev.commerce.defs.DiscountView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    code: row.rkey.toUpperCase(),
    kind: content.kind,
    rateBp: content.rateBp,
    amount: content.amount,
    currency: content.currency,
    startsAt: content.startsAt,
    endsAt: content.endsAt,
    limitTotal: content.limitTotal,
    limitPerCustomer: content.limitPerCustomer,
    minimumSubtotal: content.minimumSubtotal,
    disabled: content.disabled,
    description: content.description,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getDiscount,
  lists: [
    { query: co.kendev.commerce.listDiscounts, newest: 'createdAt', where: { tenant: 'did' } },
  ],
  examples: {
    good: [
      example({ limitTotal: 100, limitPerCustomer: 1, endsAt: '2026-12-24T18:00:00Z' }),
      {
        ...example({
          kind: 'amount',
          rateBp: undefined,
          amount: 500,
          currency: 'EUR',
          minimumSubtotal: 5_000,
        }),
        rkey: 'five-off',
      },
    ],
    bad: {
      BadCode: { ...example({}), rkey: 'Winter' },
      RateMissing: example({ rateBp: undefined }),
      AmountMissing: example({ kind: 'amount' }),
      CurrencyMissing: example({ minimumSubtotal: 5_000 }),
      UnknownCurrency: example({ currency: 'eur' }),
      EndsBeforeItBegins: example({
        startsAt: '2026-12-01T00:00:00Z',
        endsAt: '2026-12-01T00:00:00Z',
      }),
    },
  },
})

function example(content: Partial<Discount>) {
  const usual = { kind: 'percent', rateBp: 1_000, createdAt: '2026-11-23T10:00:00Z' }
  const record = JSON.parse(JSON.stringify({ ...usual, ...content })) as typeof usual
  return { rkey: 'winter10', audience: 'staff', record } as never as {
    rkey: string
    audience: 'staff'
    record: Omit<Discount, '$type'>
  }
}
