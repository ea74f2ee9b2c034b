import { co } from '../../../lexicons/index.ts'
import { amountOut } from '../../../tokens/worth/exchange.ts'
import { collection, instant, part, text, timestamp } from '../../define.ts'
import { EVE, LEDGER, NOON, OTHER } from './example-names.ts'

/** That an account exchanges tokens as a liquidity provider, as it says so. What its node does by
 *  it follows from quotes and certificates. */
export const exchangeOffer = collection({
  record: co.kendev.tokens.exchangeOffer,
  table: 'tokenExchangeOffer',
  columns: {
    paid: text(),
    delivered: text(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.exchangeOffer.Main>(),
  },
  indexes: [
    ['paid', 'delivered'],
    ['did', 'createdAt'],
  ],
  people: ['did'],
  access: { places: 'public' },

  accept({ record }) {
    const { paid, delivered, fromTenant, toTenant, minAmount, maxAmount } = record
    if (paid === delivered && fromTenant === toTenant) return 'NothingExchanged'
    if (minAmount > maxAmount) return 'WrongLimits'
    const rate = { num: BigInt(record.num), den: BigInt(record.den) }
    const most = amountOut(BigInt(maxAmount), rate)
    if (most > BigInt(Number.MAX_SAFE_INTEGER)) return 'TooMuchOut'
    return amountOut(BigInt(minAmount), rate) < 1n ? 'NothingOut' : undefined
  },

  row: ({ record, claimed }) => ({
    paid: record.paid,
    delivered: record.delivered,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.ExchangeOfferView => {
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

  get: co.kendev.tokens.getExchangeOffer,
  lists: [
    {
      query: co.kendev.tokens.listExchangeOffers,
      newest: 'createdAt',
      where: { author: 'did', paid: 'paid', delivered: 'delivered' },
    },
  ],
  examples: {
    good: [
      { rkey: 'at-bt', record: offer() },
      { rkey: 'within', record: { ...offer(), delivered: LEDGER, toTenant: EVE } },
    ],
    bad: {
      NothingExchanged: { rkey: 'at', record: { ...offer(), delivered: LEDGER } },
      WrongLimits: { rkey: 'at', record: { ...offer(), minAmount: 2, maxAmount: 1 } },
      NothingOut: { rkey: 'at', record: { ...offer(), num: 1, den: 2_000_000 } },
      TooMuchOut: { rkey: 'at', record: { ...offer(), num: 9_000_000_000_000_000, den: 1 } },
    },
  },
})

function offer() {
  return {
    paid: LEDGER,
    delivered: OTHER,
    num: 2,
    den: 1,
    minAmount: 1_000_000,
    maxAmount: 100_000_000,
    deliverWithin: 600,
    createdAt: NOON,
  } as const
}
