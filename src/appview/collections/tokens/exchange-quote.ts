import { co } from '../../../lexicons/index.ts'
import { amountOut } from '../../../tokens/worth/exchange.ts'
import { collection, did, instant, part, text, timestamp } from '../../define.ts'
import { BEN, EVE, LEDGER, NOON, OTHER } from './example-names.ts'

/** What a liquidity provider has bound itself to. Whether it was taken, and what came of it,
 *  follows from certified transfers that name it. */
export const exchangeQuote = collection({
  record: co.kendev.tokens.exchangeQuote,
  table: 'tokenExchangeQuote',
  columns: {
    customer: did(),
    paid: text(),
    delivered: text(),
    expiresAt: timestamp(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.exchangeQuote.Main>(),
  },
  indexes: [
    ['customer', 'createdAt'],
    ['did', 'createdAt'],
  ],
  people: ['did', 'customer'],
  access: { places: 'public' },

  accept({ record, did: author }) {
    const { amount, minOut, customer, expiresAt, deliverBy, fee, feeAccount } = record
    if (customer === author) return 'SelfExchange'
    const out = amountOut(BigInt(amount), { num: BigInt(record.num), den: BigInt(record.den) })
    if (out < BigInt(minOut)) return 'NotEnough'
    if (fee > 0 && feeAccount === undefined) return 'NoFeeAccount'
    return Date.parse(expiresAt) <= Date.parse(deliverBy) ? undefined : 'WrongTimes'
  },

  row: ({ record, claimed }) => ({
    customer: record.customer,
    paid: record.paid,
    delivered: record.delivered,
    expiresAt: new Date(record.expiresAt),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.ExchangeQuoteView => {
    const { $type: _, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      author: look.person(row.did),
      createdAt: instant(row.createdAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.tokens.getExchangeQuote,
  examples: {
    good: [{ record: quote() }],
    bad: {
      SelfExchange: { did: EVE, record: { ...quote(), customer: EVE } },
      NotEnough: { record: { ...quote(), minOut: 2_000_001 } },
      NoFeeAccount: { record: { ...quote(), fee: 1 } },
      WrongTimes: { record: { ...quote(), deliverBy: '2026-11-28T12:00:59.999Z' as const } },
    },
  },
})

function quote() {
  return {
    offer: { uri: `at://${EVE}/${co.kendev.tokens.exchangeOffer.$type}/at-bt`, cid: LEDGER },
    customer: BEN,
    paid: LEDGER,
    delivered: OTHER,
    num: 2,
    den: 1,
    amount: 1_000_000,
    fee: 0,
    minOut: 2_000_000,
    expiresAt: '2026-11-28T12:01:00.000Z',
    deliverBy: '2026-11-28T12:11:00.000Z',
    createdAt: NOON,
  } as const
}
