import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TenantWrite } from '../src/appview/business/transact.ts'
import { transaction } from '../src/appview/sql.ts'
import { changeStock } from '../src/appview/stock/change-stock.ts'
import { restoreStock } from '../src/appview/stock/restore-stock.ts'
import {
  type StockChange,
  type StockLine,
  allocate,
  applyStock,
  consume,
  receive,
  release,
  reserve,
} from '../src/appview/stock/stock-guard.ts'
import { stockLevels } from '../src/appview/stock/stock-levels.ts'
import { type BusinessStage, TENANT, businessStage } from './business-stage.ts'

const by = { actor: TENANT, role: 'test', action: 'test' }
let stage: BusinessStage
beforeAll(async () => {
  stage = await businessStage()
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

let items = 0
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const newItem = () => `3m6bkl222222${LETTERS[(items += 1)]!}`
const lines = (...of: [string, number][]): StockLine[] =>
  of.map(([item, quantity]) => ({ item, quantity }))
const change = (changes: readonly StockChange[], reason?: string) =>
  stage.transact({ tenant: TENANT }, async (d) => {
    const { writes, jobs } = await changeStock(d, changes, { reason })
    return { answer: null, writes, jobs, by }
  })
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { customErrorName?: string; code?: string; message?: string }) =>
      error.customErrorName ?? error.code ?? error.message ?? '',
  )
const guard = async (item: string) => {
  const { rows } = await stage.pool.query<{ at: string }>(
    `select "onHand" || ' ' || reserved || ' ' || allocated as at from repo.stock
     where tenant = $1 and item = $2`,
    [TENANT, item],
  )
  return rows[0]?.at
}

test('of fifty who want the last five at once, five get one', async () => {
  const item = newItem()
  await change(receive(lines([item, 5])), 'received')
  const all = await Promise.all(
    Array.from({ length: 50 }, () => outcome(change(reserve(lines([item, 1]))))),
  )
  expect(all.filter((one) => one === 'done')).toHaveLength(5)
  expect(all.filter((one) => one === 'InsufficientStock')).toHaveLength(45)
  expect(await guard(item)).toBe('5 5 0')
})

test('fifty transactions at once that share no turn sell no more than there is either', async () => {
  const [one, two] = [newItem(), newItem()]
  await change(receive(lines([one, 5], [two, 50])), 'received')
  // Half of them name the items the other way round: none waits for another for ever.
  const wish = (n: number) => (n % 2 ? lines([one, 1], [two, 1]) : lines([two, 1], [one, 1]))
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      outcome(transaction(stage.pool, (tx) => applyStock(tx, TENANT, reserve(wish(n))))),
    ),
  )
  expect(all.filter((done) => done === 'done')).toHaveLength(5)
  expect([await guard(one), await guard(two)]).toEqual(['5 5 0', '50 5 0'])
})

test('lines that share an item are one wish, and of several items all or none is kept', async () => {
  const [item, other] = [newItem(), newItem()]
  await change(receive(lines([item, 5], [other, 9])), 'received')
  const twice = reserve(lines([item, 3], [item, 3]))
  await expect(change(twice)).rejects.toThrow('there are 5, and 6 are wanted')
  expect(await outcome(change(reserve(lines([other, 1], [item, 6]))))).toBe('InsufficientStock')
  expect([await guard(item), await guard(other)]).toEqual(['5 0 0', '9 0 0'])
})

test('what is kept is sold and handed over, or free again, and never twice', async () => {
  const item = newItem()
  await change(receive(lines([item, 4])), 'received')
  await change(reserve(lines([item, 3])))
  await change(release(lines([item, 1])))
  await change(allocate(lines([item, 2])))
  await change(consume(lines([item, 1])))
  expect(await guard(item)).toBe('3 0 1')
  // Postgres itself says no to what is less than nothing.
  expect(await outcome(change(release(lines([item, 1]))))).toBe('23514')
  expect(await outcome(change(consume(lines([item, 2]))))).toBe('23514')
  expect(await guard(item)).toBe('3 0 1')
})

test('as much is promised beyond what is there as may be owed', async () => {
  const item = newItem()
  const wish = (quantity: number, backorderLimit?: number) =>
    reserve([{ item, quantity, backorderLimit }])
  expect(await outcome(change(wish(1)))).toBe('InsufficientStock')
  await change(wish(3, 3))
  expect(await outcome(change(wish(1)))).toBe('InsufficientStock')
  expect(await guard(item)).toBe('0 3 0')
  await change(wish(1, 2_000_000_000))
  // Goods that are lost are noted, whatever was promised of them.
  await change(receive(lines([item, 2])), 'received')
  await change([{ item, onHand: -2 }], 'damaged')
  expect(await guard(item)).toBe('0 4 0')
})

test('any changes leave the guard as a simple count has it, and movements sum to it', async () => {
  const names = [newItem(), newItem(), newItem()]
  const held = new Map(names.map((item) => [item, { onHand: 0, reserved: 0, allocated: 0 }]))
  const delta = fc.integer({ min: -4, max: 4 })
  const one = fc.record({
    item: fc.constantFrom(...names),
    onHand: delta,
    reserved: delta,
    allocated: delta,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 4 }), async (changes) => {
      const after = new Map([...held].map(([item, state]) => [item, { ...state }]))
      for (const { item, ...more } of changes)
        for (const key of ['onHand', 'reserved', 'allocated'] as const)
          after.get(item)![key] += more[key]
      const fits = [...after].every(([item, state]) => {
        const before = held.get(item)!
        const promised = state.reserved + state.allocated
        const more = promised - before.reserved - before.allocated
        const isShort = more > 0 && state.onHand < promised
        return state.reserved >= 0 && state.allocated >= 0 && !isShort
      })
      expect(await outcome(change(changes, 'adjusted'))).toMatch(
        fits ? /^done$/ : /^(InsufficientStock|23514)$/,
      )
      if (fits) for (const [item, state] of after) held.set(item, state)
      for (const [item, { onHand, reserved, allocated }] of held)
        if (await guard(item)) expect(await guard(item)).toBe(`${onHand} ${reserved} ${allocated}`)
    }),
    { numRuns: 150 },
  )
  const asked = { tenant: TENANT, now: stage.now, limit: 1_000 }
  for (const level of await stockLevels(stage.pool, asked))
    expect(`${level.onHand} ${level.reserved} ${level.allocated}`).toBe(await guard(level.item))
})

test('the guard is made again from the records as it was', async () => {
  const states = async () =>
    (
      await stage.pool.query(
        `select item, "onHand", reserved, allocated from repo.stock where tenant = $1
         and ("onHand" <> 0 or reserved <> 0 or allocated <> 0) order by item`,
        [TENANT],
      )
    ).rows as { item: string; reserved: number; allocated: number }[]
  const before = await states()
  expect(before.length).toBeGreaterThan(3)
  const promised = {
    reserved: before.map(({ item, reserved }) => ({ item, quantity: reserved })),
    allocated: before.map(({ item, allocated }) => ({ item, quantity: allocated })),
  }
  const restore = () =>
    stage.transact({ tenant: TENANT }, async (d) => {
      await restoreStock(d, promised)
      return { answer: null, writes: [], by }
    })
  await stage.pool.query('update repo.stock set "onHand" = 99, reserved = 0, allocated = 7')
  await restore()
  expect(await states()).toEqual(before)
  await stage.pool.query('delete from repo.stock')
  await restore()
  expect(await states()).toEqual(before)
})

test('when to order more follows from what was sold of late, and is not said without sales', async () => {
  const item = newItem()
  const product = `at://${TENANT}/co.kendev.commerce.product/${item}`
  const level = async () =>
    (await stockLevels(stage.pool, { tenant: TENANT, now: stage.now, product, limit: 1 }))[0]
  await change(receive(lines([item, 100])), 'received')
  expect(await level()).toMatchObject({ onHand: 100, available: 100, isLow: false })
  expect((await level())!.reorderPoint).toBeUndefined()
  // Two on each of ten days, out of ten: what goes in the seven days that a delivery takes.
  for (let day = 0; day < 10; day++) {
    await change(reserve(lines([item, 2])))
    await change(allocate(lines([item, 2])))
    await change(consume(lines([item, 2])))
    if (day < 9) stage.now = new Date(stage.now.getTime() + 86_400_000)
  }
  expect(await level()).toMatchObject({ onHand: 80, dailyDemand: 2_000, reorderPoint: 14 })
})

test('each change of what is there is a movement that says why', async () => {
  const item = newItem()
  const order = `at://${TENANT}/co.kendev.commerce.order/3m6bkl2222222`
  const written = await stage.transact({ tenant: TENANT }, async (d) => {
    const came = await changeStock(d, receive(lines([item, 2])), { reason: 'received' })
    const kept = await changeStock(d, reserve(lines([item, 2])))
    await changeStock(d, allocate(lines([item, 2])))
    const gone = await changeStock(d, consume(lines([item, 2])), { order })
    const writes: TenantWrite[] = [...came.writes, ...kept.writes, ...gone.writes]
    return { answer: writes.map(({ record }) => record!), writes, by }
  })
  expect(written).toMatchObject([
    { item, delta: 2, reason: 'received' },
    { item, delta: -2, reason: 'sold', order },
  ])
})
