import { expect, test } from 'vitest'
import { openDesk } from '../../test/tokens/desk.ts'
import { didOf, firstEpoch, orderOf, payer } from '../../test/tokens/town.ts'
import { cidOf } from './encoding.ts'
import type { Order } from './ledger-view.ts'

const ADA = payer('ada')
const GIFT = { kind: 'system_grant', amount: 100_000_000, to: ADA.did } as const
const to = (name: string, amount: number) => [{ to: didOf(name), amount }]
const withKeys = (order: Order, keys: Partial<Order['keys']>): Order => ({
  ...order,
  keys: { ...order.keys, ...keys },
})
/** The same order from an account whose document names no device key. */
function withoutDevice(order: Order): Order {
  const { angel: _, ...keys } = order.keys
  return { ...order, senderKey: keys.atproto, keys }
}

test('a vote is given once for a number, and the same again when asked again', async () => {
  const desk = await openDesk([GIFT])
  const order = desk.next(ADA, { credits: to('ben', 5) })
  const first = await desk.submit(order)
  desk.now = '2026-11-28T13:00:00.000Z'
  expect(await desk.submit(order)).toEqual(first)
  const other = desk.next(ADA, { credits: to('cleo', 5) })
  expect(await desk.submit(other)).toMatchObject({ reason: 'Equivocation' })
  expect(desk.store.locks.get(ADA.did)!.id).toBe(order.id)
})

test('of endless transfers at one number the first two are kept', async () => {
  const desk = await openDesk([GIFT])
  const orders = [1, 2, 3].map((amount) => desk.next(ADA, { credits: to('ben', amount) }))
  for (const order of orders) await desk.submit(order)
  const [one, two] = orders
  expect([...desk.store.evidence.values()]).toEqual([[one!.bytes, two!.bytes]])
})

test('a number that is used is answered with what was applied, or refused for another', async () => {
  const desk = await openDesk([GIFT])
  const other = desk.next(ADA, { credits: to('cleo', 5) })
  const paid = await desk.pay(ADA, { credits: to('ben', 5) })
  expect(await desk.submit(paid)).toMatchObject({ ok: true, applied: { id: paid.id } })
  expect(await desk.submit(other)).toMatchObject({ reason: 'AlreadyCertified' })
})

test('what does not fit the account or the epoch is refused by name', async () => {
  const desk = await openDesk([GIFT])
  const other = cidOf(desk.crypto, {})
  const credits = to('ben', 5)
  const ask = (more: object) => desk.submit(orderOf(desk, ADA, { credits, ...more }))
  expect(await ask({ ledger: other })).toMatchObject({ reason: 'WrongLedger' })
  expect(await ask({ epoch: 1 })).toMatchObject({ reason: 'WrongEpoch' })
  expect(await ask({ seq: 3, prev: other })).toMatchObject({ reason: 'NeedCertificates' })
  const late = { validUntil: '2026-11-28T11:59:59.999Z' }
  expect(await ask(late)).toMatchObject({ reason: 'Expired' })
  expect(await ask({ splitPolicy: 'none' })).toMatchObject({ reason: 'BadSplit' })
  const much = { credits: to('ben', 100_000_001) }
  expect(await ask(much)).toMatchObject({ reason: 'InsufficientFunds' })
  await desk.pay(ADA, { credits })
  expect(await ask({ seq: 2, prev: other })).toMatchObject({ reason: 'WrongPrev' })
})

test('no new vote once the epoch closes; one that was given is given again', async () => {
  const desk = await openDesk([GIFT, { ...GIFT, to: didOf('ben') }])
  const order = desk.next(ADA, { credits: to('ben', 5) })
  const given = await desk.submit(order)
  for (const phase of ['draining', 'sealed'] as const) {
    desk.current = { ...desk.current, phase }
    expect(await desk.submit(order)).toEqual(given)
    const fresh = desk.next(payer('ben'), { credits: to('ada', 5) })
    expect(await desk.submit(fresh)).toMatchObject({ reason: 'EpochClosing' })
  }
})

test('an account without a device key spends to the limit of the epoch and no further', async () => {
  const desk = await openDesk([GIFT])
  const small = withoutDevice(desk.next(ADA, { credits: to('ben', 10_000_000) }))
  expect(await desk.submit(small)).toMatchObject({ ok: true })
  await desk.apply(small)
  const more = withoutDevice(desk.next(ADA, { credits: to('ben', 1) }))
  expect(await desk.submit(more)).toMatchObject({ reason: 'LimitWithoutDeviceKey' })
})

test('who takes the device key out of the document does not take the limit away', async () => {
  const desk = await openDesk([GIFT])
  await desk.pay(ADA, { credits: to('ben', 5) })
  const big = desk.next(ADA, { credits: to('eve', 50_000_000) })
  const refused = await desk.submit(withoutDevice(big))
  expect(refused).toMatchObject({ reason: 'LimitWithoutDeviceKey' })
  expect(await desk.submit(big)).toMatchObject({ ok: true })
})

test('who puts a first device key into the document waits 72 hours to spend much', async () => {
  const desk = await openDesk([GIFT])
  const small = withoutDevice(desk.next(ADA, { credits: to('ben', 5) }))
  await desk.submit(small)
  await desk.apply(small)
  const big = desk.next(ADA, { credits: to('eve', 50_000_000) })
  expect(await desk.submit(big)).toMatchObject({ reason: 'KeyOnHold' })
  desk.now = '2026-12-01T12:00:00.000Z'
  expect(await desk.submit(big)).toMatchObject({ ok: true })
})

test('a changed key is on hold, and a change of the epoch does not end it', async () => {
  const desk = await openDesk([GIFT])
  await desk.pay(ADA, { credits: to('ben', 5) })
  const thief = { ...ADA, signer: payer('thief').signer }
  const credits = to('eve', 50_000_000)
  const { atproto } = desk.next(ADA, { credits }).keys
  const stolen = () => withKeys(desk.next(thief, { credits }), { atproto })
  expect(await desk.submit(stolen())).toMatchObject({ reason: 'KeyOnHold' })
  const left = [...desk.store.accounts.values()].map(({ did, seq, head, balance }) => ({
    did,
    seq,
    ...(head && { head }),
    balance,
    spent: 0n,
  }))
  await desk.store.enter(desk.current, new Map(left.map((account) => [account.did, account])))
  expect(await desk.submit(stolen())).toMatchObject({ reason: 'KeyOnHold' })
  expect(await desk.submit(desk.next(ADA, { credits }))).toMatchObject({ reason: 'KeyOnHold' })
})

test('nothing is kept of accounts that never had anything', async () => {
  const desk = await openDesk([GIFT])
  const before = desk.store.accounts.size
  for (const name of ['x', 'y', 'z']) {
    const order = desk.next(payer(name), { credits: to('ben', 5) })
    expect(await desk.submit(order)).toMatchObject({ reason: 'InsufficientFunds' })
  }
  expect(desk.store.accounts.size).toBe(before)
})

test('an identity that is gone pays nothing', async () => {
  const desk = await openDesk([GIFT])
  const order = withKeys(desk.next(ADA, { credits: to('ben', 5) }), { tombstoned: true })
  expect(await desk.submit(order)).toMatchObject({ reason: 'AccountTombstoned' })
})

test('what is paid between nodes owes its fee where somebody gets the fees', async () => {
  const fees = payer('fees')
  const params = { ...firstEpoch([], []).params, feeAccount: fees.did }
  const desk = await openDesk([GIFT, { ...GIFT, to: fees.did }], { params })
  const kind = 'cross_tenant_exchange' as const
  const ask = (amount: number, fee: number, more: object = {}) => {
    const leg = fee === 0 ? [] : [{ to: fees.did, amount: fee, role: 'fee' }]
    return desk.submit(desk.next(ADA, { kind, credits: [...to('ben', amount), ...leg], ...more }))
  }
  const FEE = { reason: 'FeeMissing' }
  expect(await ask(1_000_000, 0)).toMatchObject(FEE)
  expect(await ask(1_000_000, 4_999)).toMatchObject(FEE)
  expect(await ask(1, 999)).toMatchObject(FEE)
  const quote = { uri: `at://${didOf('ben')}/quote/1`, cid: desk.genesis.id }
  const paid = { exchange: { quote, leg: 'paid' } }
  expect(await ask(1_000_000, 4_999, paid)).toMatchObject(FEE)
  expect(desk.store.locks.size).toBe(0)
  expect(await ask(1_000_000, 5_000, paid)).toMatchObject({ ok: true })
  const own = desk.next(fees, { kind, credits: to('ben', 9) })
  expect(await desk.submit(own)).toMatchObject({ ok: true })
})

test('no fee is due for a gift, for the answer to a payment, or where nobody gets fees', async () => {
  const params = { ...firstEpoch([], []).params, feeAccount: didOf('fees') }
  const desk = await openDesk([GIFT], { params })
  await desk.pay(ADA, { credits: to('ben', 9) })
  const quote = { uri: `at://${ADA.did}/quote/1`, cid: desk.genesis.id }
  const kind = 'cross_tenant_exchange' as const
  for (const leg of ['delivered', 'refund'] as const) {
    await desk.pay(ADA, { kind, credits: to('ben', 9), exchange: { quote, leg } })
  }
  const free = await openDesk([GIFT])
  await free.pay(ADA, { kind, credits: to('ben', 9) })
})
