import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Person } from '../person.ts'
import { COMMERCE, type Product, type Shop, keyOf, offer, openShop } from './shop.ts'
import { PLATFORM, told } from './tenancy.ts'

type Level = { item: string; onHand: number; available: number; isLow: boolean }
type Items<T> = { items: T[]; cursor?: string }

let world: Shop
let shop: string
beforeAll(async () => {
  world = await openShop()
  shop = world.shop
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const tracked = (title: string, more: object = {}) =>
  offer(title, { inventory: { trackQuantity: true }, ...more })
const adjust = (who: Person, product: Product, more: object) =>
  who.call<Level>(`${COMMERCE}.adjustStock`, { tenant: shop, product: product.uri, ...more })
const levels = (who: Person, params: object = {}) =>
  who.get<Items<Level>>(`${COMMERCE}.listStockLevels`, { tenant: shop, ...params })
const statusOf = async ({ uri }: Product) =>
  (await world.people.stranger.get<Product>(`${COMMERCE}.getProduct`, { uri })).status

test('what came, went and was counted is noted, and adds up', async () => {
  const { manager, member } = world.people
  const amp = await world.put(manager, tracked('Amp'))
  expect(await adjust(manager, amp, { delta: 12, reason: 'received' })).toMatchObject({
    onHand: 12,
  })
  expect(await adjust(manager, amp, { delta: -2, reason: 'damaged' })).toMatchObject({ onHand: 10 })
  expect(await adjust(manager, amp, { counted: 9, note: 'one is missing' })).toMatchObject({
    onHand: 9,
    available: 9,
    isLow: false,
  })
  const list = `${COMMERCE}.listStockMovements`
  const { items } = await manager.get<Items<{ delta: number }>>(list, { tenant: shop })
  expect(items.map(({ delta }) => delta)).toEqual([-1, -2, 12])
  expect((await member.get<Items<object>>(list, { tenant: shop })).items).toEqual([])
  expect(await told(adjust(manager, amp, { delta: -10 }))).toBe('InvalidRequest')
  expect(await told(adjust(manager, amp, { delta: 1, counted: 1 }))).toBe('InvalidRequest')
  expect(await told(adjust(manager, amp, { delta: -1, reason: 'received' }))).toBe('InvalidRecord')
})

test('each variant is counted by itself, and pages of levels hold each once', async () => {
  const { manager } = world.people
  const variants = ['s', 'm', 'l'].map((id) => ({ id, name: id }))
  const shirt = await world.put(manager, tracked('Shirt', { variants }))
  for (const [n, { id }] of variants.entries())
    await adjust(manager, shirt, { variant: id, delta: n + 1 })
  expect(await told(adjust(manager, shirt, { delta: 1 }))).toBe('NotFound')
  expect(await told(adjust(manager, shirt, { variant: 'xl', delta: 1 }))).toBe('NotFound')
  const found: Level[] = []
  let cursor: string | undefined
  do {
    const page = await levels(manager, { product: shirt.uri, limit: 2, ...(cursor && { cursor }) })
    found.push(...page.items)
    cursor = page.cursor
  } while (cursor)
  expect(found.map(({ item, onHand }) => [item.split('#')[1], onHand])).toEqual([
    ['l', 3],
    ['m', 2],
    ['s', 1],
  ])
})

test('a request sent twice moves goods once, and its key is for nothing else', async () => {
  const { manager } = world.people
  const wire = await world.put(manager, tracked('Wire'))
  const wish = { delta: 5, idempotencyKey: 'delivery-1' }
  const all = await Promise.all(Array.from({ length: 5 }, () => adjust(manager, wire, wish)))
  expect(all.map(({ onHand }) => onHand)).toEqual([5, 5, 5, 5, 5])
  expect(await told(adjust(manager, wire, { ...wish, delta: 6 }))).toBe('IdempotencyMismatch')
})

test('a product is out of stock when nothing of it is left, and back when something came', async () => {
  const { manager } = world.people
  const sub = await world.put(manager, tracked('Sub'))
  // Nothing of it has come yet.
  expect(sub.status).toBe('out_of_stock')
  await adjust(manager, sub, { delta: 1 })
  expect(await statusOf(sub)).toBe('active')
  await adjust(manager, sub, { counted: 0 })
  expect(await statusOf(sub)).toBe('out_of_stock')
  await adjust(manager, sub, { delta: 3 })
  await eventually(async () => expect(await statusOf(sub)).toBe('active'))
  // What was taken out of the shop stays out.
  await manager.call(`${COMMERCE}.archiveProduct`, { tenant: shop, rkey: keyOf(sub) })
  await adjust(manager, sub, { counted: 0 })
  const owed = await world.put(manager, {
    ...tracked('Owed'),
    inventory: { trackQuantity: true, allowBackorder: true },
  })
  await adjust(manager, owed, { delta: 1 })
  await adjust(manager, owed, { counted: 0 })
  const last = await world.put(manager, tracked('Last'))
  await adjust(manager, last, { delta: 1 })
  await adjust(manager, last, { counted: 0 })
  await eventually(async () => expect(await statusOf(last)).toBe('out_of_stock'))
  expect([await statusOf(sub), await statusOf(owed)]).toEqual(['archived', 'active'])
})

test('the staff is told once each time that little is left', async () => {
  const { owner, manager, member } = world.people
  const horn = await world.put(manager, tracked('Horn'))
  const supply = { lowStockThreshold: 3 }
  const at = { tenant: shop, rkey: keyOf(horn), supply }
  await manager.call(`${COMMERCE}.putProductSupply`, at)
  const notices = async (who: Person) => {
    const list = `${PLATFORM}.listNotifications`
    const { items } = await who.get<Items<{ kind: string; title: string }>>(list, {})
    return items.filter(({ kind, title }) => kind === 'lowStock' && title.includes('Horn')).length
  }
  await adjust(manager, horn, { counted: 10 })
  await adjust(manager, horn, { counted: 3 })
  await eventually(async () => expect(await notices(owner)).toBe(1))
  expect((await levels(manager, { product: horn.uri })).items[0]).toMatchObject({ isLow: true })
  await adjust(manager, horn, { counted: 2 })
  await adjust(manager, horn, { counted: 9 })
  // Each level is looked at after the one before it.
  await new Promise((done) => setTimeout(done, 3_000))
  expect(await notices(owner)).toBe(1)
  await adjust(manager, horn, { counted: 1 })
  await eventually(async () => expect(await notices(manager)).toBe(2))
  expect(await notices(member)).toBe(0)
})

test('stock is for those who manage the products of the business', async () => {
  const { manager, member, rival, stranger } = world.people
  const cable = await world.put(manager, tracked('Cable'))
  const uncounted = await world.put(manager, offer('Advice'))
  expect(await told(adjust(manager, uncounted, { delta: 1 }))).toBe('NotTracked')
  for (const [who, name] of [
    [member, 'Forbidden'],
    [rival, 'NotFound'],
    [stranger, 'NotFound'],
  ] as const) {
    expect(await told(adjust(who, cable, { delta: 1 }))).toBe(name)
    expect(await told(levels(who))).toBe(name)
  }
  const theirs = { tenant: world.other, product: cable.uri, delta: 1 }
  expect(await told(rival.call(`${COMMERCE}.adjustStock`, theirs))).toBe('NotFound')
})
