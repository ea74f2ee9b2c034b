import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeRole } from '../src/appview/collections/platform/node-role.ts'
import type { RepoWriter } from '../src/appview/own-record.ts'
import { type Order, orderCalls, told } from './order-calls.ts'
import {
  BEN,
  CLEO,
  COMMERCE,
  EVE,
  NODE,
  OWNER,
  type OrderStage,
  SHOP,
  orderStage,
} from './order-stage.ts'

type Row = {
  key: string
  currency: string
  orders: number
  units?: number
  came: number
  refunded: number
  tax: number
  net: number
  average: number | null
}

const VAT = { taxRates: [{ name: 'VAT', rateBp: 1_900 }], timeZone: 'Pacific/Auckland' }
let stage: OrderStage
let [speaker, amp, dollars] = ['', '', '']
beforeAll(async () => {
  stage = await orderStage()
  await stage.settings(VAT)
  speaker = await stage.sell('speaker', {}, 50)
  amp = await stage.sell('amp', { pricing: { basePrice: 10_000, currency: 'EUR' } }, 50)
  dollars = await stage.sell('dollars', { pricing: { basePrice: 500, currency: 'USD' } }, 50)
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

const { call, checkout, pay, get: read } = orderCalls(() => stage)
const get = <T>(who: string | undefined, method: string, params: Record<string, string>) =>
  read<T>(who, method, { tenant: SHOP, ...params })
const revenue = async (by: string, more: Record<string, string> = {}) =>
  (await get<{ rows: Row[] }>(OWNER, 'getRevenue', { by, ...more })).rows
const sell = async (product: string, quantity: number, more = {}, who: string = BEN) => {
  const { order } = await checkout(who, product, { lines: [{ product, quantity }], ...more })
  await pay(who, order)
  return order
}
const refund = (order: Order, wish: object) =>
  call(OWNER, 'refundOrder', { order: order.uri, idempotencyKey: JSON.stringify(wish), ...wish })
const sum = (rows: readonly Row[], currency: string) =>
  rows.filter((row) => row.currency === currency).reduce((all, { net }) => all + net, 0)

test('revenue comes to one figure in each currency, whoever and whatever it is told by', async () => {
  // Late in the evening in Europe it is tomorrow where the shop is.
  stage.now = new Date('2026-10-31T12:00:00Z')
  const first = await sell(speaker, 2)
  stage.now = new Date('2026-11-02T12:00:00Z')
  await sell(amp, 1, { customer: CLEO, seller: EVE, source: 'referral_source' }, OWNER)
  await sell(dollars, 3)
  await refund(first, { lines: [{ line: 'l1', quantity: 1 }] })

  const periods = await revenue('period')
  expect(periods.map(({ key, currency, net }) => [key, currency, net])).toEqual([
    ['2026-11-01', 'EUR', 11_003],
    ['2026-11-01', 'USD', 1_500],
  ])
  expect(periods[0]).toMatchObject({
    orders: 2,
    came: 2_387 + 11_900,
    refunded: 1_193,
    tax: 381 - 190 + 1_900,
    average: 5_502,
  })
  const days = await revenue('period', { interval: 'day', currency: 'EUR' })
  expect(days.map(({ key, orders, average }) => [key, orders, average])).toEqual([
    ['2026-11-03', 1, 8_997],
    ['2026-11-01', 1, 2_006],
  ])
  const products = await revenue('product')
  expect(products.find(({ key }) => key === speaker)).toMatchObject({
    units: 1,
    came: 2_387,
    net: 1_003,
  })
  const sources = await revenue('source', { currency: 'EUR' })
  expect(sources.map(({ key, net }) => [key, net])).toEqual([
    ['referral_source', 10_000],
    ['system_generated', 1_003],
  ])
  for (const by of ['product', 'source', 'party'])
    for (const currency of ['EUR', 'USD'])
      expect(sum(await revenue(by), currency), by).toBe(sum(periods, currency))
  expect(await revenue('period', { until: '2026-01-01T00:00:00Z' })).toEqual([])
})

test('only who may see what is earned sees it', async () => {
  for (const who of [BEN, EVE])
    expect(await told(get(who, 'getRevenue', { by: 'party' }))).toBe('NotFound')
  expect(await told(get(undefined, 'getRevenue', { by: 'period' }))).toBe('AuthenticationRequired')
  const share = { account: 'justiceFund', currency: 'EUR' }
  expect(await told(get(EVE, 'getStatement', share))).toBe('NotFound')
  const pay = { tenant: SHOP, ...share, idempotencyKey: 'x' }
  expect(await told(call(BEN, 'createPayout', pay))).toBe('NotFound')
})

test('a party is paid what it is owed once, and is owed it again when it could not be sent', async () => {
  const share = { account: 'justiceFund', currency: 'EUR' }
  const statement = () => get<Record<string, number>>(OWNER, 'getStatement', share)
  expect(await statement()).toMatchObject({ earned: 600, reversed: 50, paid: 0, closing: 550 })
  const payout = (key: string, more: object = {}) =>
    call<{ uri: string; amount: number; status: string }>(OWNER, 'createPayout', {
      tenant: SHOP,
      ...share,
      idempotencyKey: key,
      ...more,
    })
  expect(await told(payout('big', { amount: 551 }))).toBe('TooMuch')
  const both = await Promise.all(['a', 'b'].map((key) => told(payout(key))))
  expect(both.toSorted()).toEqual(['NothingOwed', 'done'])
  const { items } = await get<{ items: { uri: string; amount: number }[] }>(
    OWNER,
    'listPayouts',
    {},
  )
  expect(items.map(({ amount }) => amount)).toEqual([550])
  const settle = (uri: string, to: string) => call(OWNER, 'settlePayout', { payout: uri, to })
  await settle(items[0]!.uri, 'failed')
  expect(await statement()).toMatchObject({ paid: 0, closing: 550 })
  const again = await payout('c')
  await settle(again.uri, 'paid')
  await settle(again.uri, 'paid')
  expect(await told(settle(again.uri, 'failed'))).toBe('InvalidTransition')
  expect(await statement()).toMatchObject({ paid: 550, closing: 0 })
  expect(await told(payout('d'))).toBe('NothingOwed')
  expect(await told(payout('e', { account: 'commission' }))).toBe('PartyMissing')
})

test('a customer is shown with what they brought, and nothing is made up', async () => {
  const { items } = await get<{ items: { key: string; subject: string }[] }>(
    OWNER,
    'listCustomers',
    {},
  )
  const ben = items.find(({ subject }) => subject === BEN)!
  const history = await get<{ worth: object[] }>(OWNER, 'getCustomerHistory', { customer: ben.key })
  expect(history).toMatchObject({ orders: 2, monthlyChurnBp: null })
  expect(history.worth).toMatchObject([
    { currency: 'EUR', paid: 2_387, refunded: 1_193, historical: 1_194, predicted: null },
    { currency: 'USD', paid: 1_785, historical: 1_785, averageOrder: 1_785 },
  ])
  expect(await told(get(OWNER, 'getCustomerHistory', { customer: 'nobody' }))).toBe('NotFound')
})

test('a fee is decided by super admins, holds after notice, and is what orders are placed by', async () => {
  const decide = (who: string, more: object = {}) =>
    call<{ feeBp: number; effectiveAt: string }>(who, 'decideFee', { tenant: SHOP, ...more })
  expect(await told(decide(OWNER))).toBe('Forbidden')
  const writer = stage.node.deps['writer'] as RepoWriter
  const at = { did: NODE, collection: nodeRole.nsid, rkey: OWNER }
  const record = { subject: OWNER, role: 'super_admin', createdAt: stage.now.toISOString() }
  await writer.putRecord({ ...at, record })
  await stage.settings({ ...VAT, splitBase: 'platform_fee' })
  await stage.sharing({ enabled: true, agreementType: 'ai-optimized' })
  expect(await told(decide(OWNER))).toBe('SignalsMissing')
  const names = ['velocity', 'engagement', 'quality', 'platformValue', 'market', 'competitive']
  const signals = { ...Object.fromEntries(names.map((name) => [name, 50])), platformValue: 100 }
  const decided = await decide(OWNER, { signals })
  expect(decided.feeBp).toBe(2_100)
  expect(+new Date(decided.effectiveAt) - +stage.now).toBe(30 * 86_400_000)
  expect(await told(decide(OWNER, { signals }))).toBe('TooEarly')
  const terms = async () => {
    const order = await sell(amp, 1)
    const rkey = order.uri.split('/').at(-1)!
    const uri = `at://${SHOP}/${COMMERCE}.orderTerms/${rkey}`
    return get<{ fee: object; projected: object }>(OWNER, 'getOrderTerms', { uri })
  }
  expect(await terms()).toMatchObject({ fee: { part: 1_500 } })
  stage.now = new Date(+stage.now + 30 * 86_400_000)
  expect(await terms()).toMatchObject({
    fee: { part: 2_100, whole: 10_000, rule: 'ai-optimized' },
    projected: { sellerNet: 7_900, aiPartner: 315, justiceFund: 105, platformOperations: 1_050 },
  })
  await stage.sharing({ enabled: true, agreementType: 'volume' })
  expect(await terms()).toMatchObject({ fee: { part: 1_500, whole: 10_000, rule: 'volume' } })
})
