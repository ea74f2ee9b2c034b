import { getMain } from '@atproto/lex'
import { expect, test } from 'vitest'
import { findBalance } from '../../src/appview/tokens/balance-view.ts'
import { listExchanges } from '../../src/appview/tokens/exchange-views.ts'
import { createTokenBook } from '../../src/appview/tokens/keep-token-book.ts'
import { findTransfer } from '../../src/appview/tokens/transfer-views.ts'
import type { Write } from '../../src/appview/index-record.ts'
import { co } from '../../src/lexicons/index.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { NOW, appViewDatabase } from '../appview-database.ts'
import { deletionOf, rev } from '../record.ts'
import { GOVERNANCE, didOf, payer } from './town.ts'
import { type Paid, TokenWorld } from './token-world.ts'

const [ADA, EVE, LP] = [payer('ada'), payer('eve'), payer('lp')]
const FEES = didOf('fees')
const TABLES = ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting', 'tokenQuote']
const { exchangeQuote } = co.kendev.tokens
const minute = (n: number) => TokenWorld.time(n)
const kind = 'cross_tenant_exchange'

/** Two ledgers, a provider with tokens of the second, and a quote of it for Ada. */
async function stage() {
  const one = new TokenWorld([
    { kind: 'system_grant', amount: 9_000, to: ADA.did },
    { kind: 'system_grant', amount: 9_000, to: EVE.did },
  ])
  const two = new TokenWorld([{ kind: 'system_grant', amount: 9_000, to: LP.did }])
  const { pool, write } = await appViewDatabase()
  for (const table of TABLES) await pool.query(`truncate node."${table}"`)
  const ledgers = [one, two].map(({ genesis }) => ({ genesis, governance: GOVERNANCE }))
  const book = createTokenBook({ sql: pool, ledgers, clock: { now: () => NOW } })
  const looking = { sql: pool, origin: 'https://node.example' }
  const take = async (...writes: readonly Write[]) => {
    for (const it of writes) expect(await write(it)).toBe('indexed')
    await book.settle()
  }
  const remove = async (it: Write) => {
    expect(await write(deletionOf(it, rev(9)))).toBe('removed')
    await book.settle()
  }
  const terms = {
    $type: exchangeQuote.$type,
    offer: { uri: `at://${LP.did}/${co.kendev.tokens.exchangeOffer.$type}/a`, cid: one.genesis },
    customer: ADA.did,
    paid: one.genesis,
    delivered: two.genesis,
    num: 2,
    den: 1,
    amount: 1_000,
    fee: 5,
    feeAccount: FEES,
    minOut: 2_000,
    expiresAt: minute(60),
    deliverBy: minute(120),
    createdAt: minute(0),
  }
  const record = one.write(LP.did, exchangeQuote.$type, '3m6bkl2222222', terms)
  const quote = { uri: `at://${LP.did}/${exchangeQuote.$type}/3m6bkl2222222`, cid: record.cid! }
  // The epochs of two ledgers stand under different keys in one repo.
  const second = { ...two.epochWrites[0]!, did: GOVERNANCE, rkey: 'bt.0' }
  await take(one.epochWrites[0]!, second, record)
  const leg = (name: 'paid' | 'delivered' | 'refund', ref?: Paid): Partial<Transfer> => ({
    kind,
    exchange: { quote, leg: name },
    ...(ref && { ref: { uri: ref.uri, cid: ref.record.cid! } }),
  })
  const list = async (asked: { account: string; role?: string; minutes: number }) => {
    const { output } = getMain(co.kendev.tokens.readExchanges)
    const answer = await listExchanges(looking, { ...asked, now: new Date(minute(asked.minutes)) })
    ;(output as unknown as { schema: { check(value: unknown): void } }).schema.check(answer)
    return answer.items
  }
  const pay = (from = ADA, amount = 1_000, fee = 5) =>
    one.pay(
      from,
      [
        { to: LP.did, amount },
        { to: FEES, amount: fee, role: 'fee' },
      ],
      leg('paid'),
    )
  const flags = async (did: string, minutes: number, ledger = one.genesis) =>
    (await findBalance(looking, { ledger, did, now: new Date(minute(minutes)) })).security
      .anomalyFlags
  return { one, two, take, leg, list, pay, remove, flags, looking, quoteRecord: record }
}

const both = ({ record, apply }: Paid) => [record, apply]

test('an exchange is quoted, paid and delivered, each by certificates alone', async () => {
  const { two, take, leg, list, pay, looking } = await stage()
  const shown = async (minutes: number) => (await list({ account: ADA.did, minutes }))[0]
  expect(await shown(1)).toMatchObject({ state: 'quoted', amount: 1_000, fee: 5, minOut: 2_000 })
  expect(await shown(60)).toMatchObject({ state: 'expired' })
  const paid = pay()
  await take(paid.record)
  expect(await shown(1)).toMatchObject({ state: 'quoted' })
  await take(paid.apply)
  expect(await shown(1)).toMatchObject({ state: 'paid', payment: paid.uri, takesQuote: true })
  const given = two.pay(LP, [{ to: ADA.did, amount: 2_000 }], leg('delivered', paid))
  await take(given.record)
  expect(await shown(1)).toMatchObject({ state: 'paid', deliveredAmount: 0 })
  await take(given.apply)
  expect(await shown(1)).toMatchObject({
    state: 'delivered',
    delivery: given.uri,
    deliveredAmount: 2_000,
    refundDue: 0,
  })
  expect(await findTransfer(looking, paid.uri)).toMatchObject({
    exchangeRate: 2_000_000,
    sourceCurrency: 'angel_tokens',
    networkFee: 5,
  })
  expect(await list({ account: LP.did, role: 'provider', minutes: 1 })).toHaveLength(1)
  expect(await list({ account: LP.did, role: 'customer', minutes: 1 })).toHaveLength(0)
})

test('what is not delivered in time is unmatched, and held against the provider, until refunded', async () => {
  const { one, take, remove, leg, list, pay, flags, quoteRecord } = await stage()
  const paid = pay()
  await take(...both(paid))
  // The provider cannot take the quote back by deleting its record.
  await remove(quoteRecord)
  const state = async (minutes: number) => (await list({ account: ADA.did, minutes }))[0]
  expect(await flags(LP.did, 119)).not.toContain('unmatched_exchange_leg')
  expect(await state(120)).toMatchObject({ state: 'unmatched', refundDue: 1_000 })
  expect(await flags(LP.did, 120)).toContain('unmatched_exchange_leg')
  expect(await flags(ADA.did, 120)).not.toContain('unmatched_exchange_leg')
  const back = one.pay(LP, [{ to: ADA.did, amount: 1_000 }], leg('refund', paid))
  await take(...both(back))
  expect(await state(120)).toMatchObject({ state: 'refunded', refund: back.uri })
  expect(await flags(LP.did, 120)).not.toContain('unmatched_exchange_leg')
})

test('what does not take the quote is shown to who has paid, and is to be given back', async () => {
  const { two, take, leg, list, pay } = await stage()
  const paid = [pay(EVE), pay(ADA, 999), pay(ADA, 1_000, 4), pay(ADA, 1_001), pay()]
  await take(...paid.flatMap(both))
  const [strange] = await list({ account: EVE.did, role: 'customer', minutes: 1 })
  expect(strange).toMatchObject({ state: 'paid', takesQuote: false, refundDue: 1_000 })
  const all = await list({ account: LP.did, role: 'provider', minutes: 1 })
  const told = all.map(({ payment, takesQuote, refundDue }) => [payment, takesQuote, refundDue])
  expect(told).toHaveLength(5)
  expect(told[0]).toEqual([paid[4]!.uri, true, 0])
  for (const [n, due] of [1_000, 999, 1_000, 1_001].entries())
    expect(told).toContainEqual([paid[n]!.uri, false, due])
  // What is given twice is no second delivery of anything: the first payment alone is answered.
  const twice = [1, 2].map(() =>
    two.pay(LP, [{ to: ADA.did, amount: 2_000 }], leg('delivered', paid[4])),
  )
  await take(...twice.flatMap(both))
  const after = await list({ account: ADA.did, minutes: 130 })
  expect(after.filter(({ state }) => state === 'delivered')).toHaveLength(1)
  expect(after.filter(({ state }) => state === 'unmatched')).toHaveLength(3)
})
