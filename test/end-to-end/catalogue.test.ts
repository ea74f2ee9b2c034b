import { afterAll, beforeAll, expect, test } from 'vitest'
import { planOf } from '../../src/appview/plans.ts'
import { type Person, anybodyGet } from '../person.ts'
import { COMMERCE, type Product, type Shop, keyOf, offer, openShop } from './shop.ts'
import { PLATFORM, told } from './tenancy.ts'

type Items<T> = { items: T[] }

let world: Shop
let home: Shop['home']
let people: Shop['people']
let shop: string
let other: string

beforeAll(async () => {
  world = await openShop()
  ;({ home, people, shop, other } = world)
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const put: Shop['put'] = (...wish) => world.put(...wish)
const anybody = <T>(method: string, params: object) =>
  anybodyGet<T>(home.url, `${COMMERCE}.${method}`, params as Record<string, string>)
const bySlug = (slug: string) =>
  anybody<{ product: Product; isFormer: boolean }>('getProductBySlug', { owner: shop, slug })

test('a draft is seen by the staff only, and by everybody once it is in the shop', async () => {
  const { manager, member, stranger } = people
  const draft = await put(manager, offer('Zebra Woofer', { status: 'draft' }))
  expect(draft).toMatchObject({ status: 'draft', slug: 'zebra-woofer', nextStates: ['active'] })
  expect(draft.publishedAt).toBeUndefined()
  for (const who of [member, stranger]) {
    expect(await told(who.get(`${COMMERCE}.getProduct`, { uri: draft.uri }))).toBe('NotFound')
    const slug = { owner: shop, slug: 'zebra-woofer' }
    expect(await told(who.get(`${COMMERCE}.getProductBySlug`, slug))).toBe('NotFound')
    const { items } = await who.get<Items<Product>>(`${COMMERCE}.listProducts`, { q: 'zebra' })
    expect(items).toEqual([])
  }
  expect(await told(bySlug('zebra-woofer'))).toBe('NotFound')
  const repo = await fetch(`${home.url}/xrpc/com.atproto.sync.getRepo?did=${shop}`)
  expect(Buffer.from(await repo.arrayBuffer()).includes('Zebra')).toBe(false)
  expect(await manager.get(`${COMMERCE}.getProduct`, { uri: draft.uri })).toMatchObject({
    title: 'Zebra Woofer',
  })

  const rkey = keyOf(draft)
  const shown = await put(manager, offer('Zebra Woofer', { status: 'active' }), { rkey })
  expect(shown.uri).toBe(`at://${shop}/${COMMERCE}.product/${rkey}`)
  expect(shown).toMatchObject({
    createdAt: draft.createdAt,
    nextStates: ['out_of_stock', 'archived'],
  })
  expect(Date.parse(shown.publishedAt!)).toBeGreaterThan(0)
  expect((await bySlug('zebra-woofer')).product.uri).toBe(shown.uri)
  // Nothing is left in the place of the draft, and what was shown does not become one again.
  expect(await told(manager.get(`${COMMERCE}.getProduct`, { uri: draft.uri }))).toBe('done')
  const back = offer('Zebra Woofer', { status: 'draft' })
  expect(await told(put(manager, back, { rkey }))).toBe('InvalidTransition')
})

test('names in links are one each, and those of before lead on', async () => {
  const { manager } = people
  const first = await put(manager, offer('Sub Box'))
  const second = await put(manager, offer('Sub Box'))
  expect([first.slug, second.slug]).toEqual(['sub-box', 'sub-box-2'])
  await expect(put(manager, offer('Third', { slug: 'sub-box' }))).rejects.toThrow('sub-box-3')
  const rkey = keyOf(first)
  await put(manager, offer('Sub Box', { slug: 'bass-box' }), { rkey })
  expect(await bySlug('bass-box')).toMatchObject({ isFormer: false, product: { uri: first.uri } })
  expect(await bySlug('sub-box')).toMatchObject({
    isFormer: true,
    product: { uri: first.uri, slug: 'bass-box' },
  })
  // Whoever has the name now comes before who had it.
  const third = await put(manager, offer('Sub Box'))
  expect(await bySlug('sub-box')).toMatchObject({ isFormer: false, product: { uri: third.uri } })
  const all = await Promise.all(Array.from({ length: 8 }, () => put(manager, offer('Cable'))))
  expect(new Set(all.map(({ slug }) => slug)).size).toBe(8)
})

test('a number of the seller’s is for one thing, and finds it', async () => {
  const { manager } = people
  const variants = [{ id: 's', name: 'Small', sku: 'AMP-S' }]
  await put(manager, offer('Amp', { sku: 'AMP', variants, tags: [{ tag: 'loud' }] }))
  const again = offer('Other', { variants: [{ id: 'x', name: 'X', sku: 'AMP' }] })
  expect(await told(put(manager, again))).toBe('SkuTaken')
  expect(await told(put(manager, offer('Other', { sku: 'AMP-S' })))).toBe('SkuTaken')
  for (const params of [{ sku: 'AMP' }, { q: 'AMP-S' }, { q: 'loud' }]) {
    const { items } = await anybody<Items<{ title: string }>>('listProducts', {
      owner: shop,
      ...params,
    })
    expect(items.map(({ title }) => title)).toEqual(['Amp'])
  }
})

test('a product goes through its states, and what was in the shop is archived, not deleted', async () => {
  const { manager } = people
  const made = await put(manager, offer('Tweeter'))
  const at = { tenant: shop, rkey: keyOf(made) }
  expect(await told(manager.call(`${COMMERCE}.deleteProduct`, at))).toBe('InvalidTransition')
  const stale = { rkey: at.rkey, swapRecord: made.cid }
  await put(manager, offer('Tweeter', { status: 'out_of_stock' }), stale)
  expect(await told(put(manager, offer('Tweeter'), stale))).toBe('InvalidSwap')
  const archived = await manager.call<Product>(`${COMMERCE}.archiveProduct`, at)
  expect(archived).toMatchObject({ status: 'archived', nextStates: ['active'] })
  expect((await bySlug('tweeter')).product.status).toBe('archived')
  const nothing = { tenant: shop, rkey: '3m6bkl2222222' }
  expect(await told(manager.call(`${COMMERCE}.archiveProduct`, nothing))).toBe('NotFound')
  const draft = await put(manager, offer('Never', { status: 'draft' }))
  const gone = { tenant: shop, rkey: keyOf(draft) }
  await manager.call(`${COMMERCE}.deleteProduct`, gone)
  expect(await told(manager.get(`${COMMERCE}.getProduct`, { uri: draft.uri }))).toBe('NotFound')
})

test('a product names nothing of another business, and nobody writes for one that is not theirs', async () => {
  const { manager, member, rival, stranger } = people
  const foreign = await rival.call<Product>(`${COMMERCE}.putProduct`, {
    tenant: other,
    product: offer('Rival Amp'),
  })
  const wrong = [
    { relatedProducts: [foreign.uri] },
    { categories: [`at://${other}/co.kendev.content.category/3m6bkl2222222`] },
    { tenant: other },
  ]
  for (const more of wrong) expect(await told(put(manager, offer('X', more)))).toBe('OtherTenant')
  expect(await told(put(rival, offer('X')))).toBe('NotFound')
  expect(await told(put(stranger, offer('X')))).toBe('NotFound')
  expect(await told(put(member, offer('X')))).toBe('Forbidden')
  expect(await told(put(manager, { ...offer('X'), title: 7 }))).toBe('InvalidRecord')
  expect(await told(put(manager, { ...offer('X'), slug: 'Not A Slug' }))).toBe('InvalidRecord')
})

test('what others earn is set and seen by those who manage only', async () => {
  const { owner, manager, rival } = people
  const product = await put(manager, offer('Head unit'))
  const at = { tenant: shop, rkey: keyOf(product) }
  const terms = { useCustomRate: true, customCommissionRate: 1_000 }
  const setTerms = (who: Person) =>
    who.call<{ uri: string }>(`${COMMERCE}.putProductTerms`, { ...at, terms })
  const asked = { tenant: shop, uri: product.uri }
  const rates = async () =>
    (
      await owner.get<{ rates: { rateBp: number; rule: string }[] }>(
        `${COMMERCE}.getCommission`,
        asked,
      )
    ).rates.map(({ rateBp, rule }) => `${rateBp} ${rule}`)
  expect(await rates()).toEqual(['500 template', '250 template', '750 template', '250 template'])
  const settings = { $type: `${PLATFORM}.tenantSettings`, updatedAt: '2026-11-23T10:00:00Z' }
  await owner.call(`${PLATFORM}.putTenantSettings`, {
    tenant: shop,
    settings: { ...settings, revenueSharing: { enabled: true, defaultRateBp: 1_500 } },
  })
  expect((await rates())[0]).toBe('1500 tenant')
  expect(await told(setTerms(manager))).toBe('Forbidden')
  const { uri } = await setTerms(owner)
  expect((await rates())[0]).toBe('1000 product')
  for (const who of [manager, rival]) {
    expect(await told(who.get(`${COMMERCE}.getProductTerms`, { uri }))).toBe('NotFound')
    const answer = await told(who.get(`${COMMERCE}.getCommission`, asked))
    expect(answer).toBe(who === manager ? 'Forbidden' : 'NotFound')
  }
  expect(await owner.get(`${COMMERCE}.getProductTerms`, { uri })).toMatchObject(terms)
})

test('how a shop sells and its codes are for its staff', async () => {
  const { owner, manager, member } = people
  const settings = { currency: 'EUR', timeZone: 'Europe/Berlin', returnWindowDays: 30 }
  const set = (who: Person, more: object = {}) =>
    who.call<{ uri: string }>(`${COMMERCE}.putStoreSettings`, {
      tenant: shop,
      settings: { ...settings, ...more },
    })
  expect(await told(set(manager))).toBe('Forbidden')
  expect(await told(set(owner, { currency: 'eur' }))).toBe('InvalidRecord')
  const { uri } = await set(owner)
  expect(await manager.get(`${COMMERCE}.getStoreSettings`, { uri })).toMatchObject(settings)
  expect(await told(member.get(`${COMMERCE}.getStoreSettings`, { uri }))).toBe('NotFound')

  const code = (discount: object) =>
    manager.call<{ uri: string; code: string }>(`${COMMERCE}.putDiscount`, {
      tenant: shop,
      code: 'winter10',
      discount,
    })
  expect(await told(code({ kind: 'percent' }))).toBe('InvalidRecord')
  const made = await code({ kind: 'percent', rateBp: 1_000, limitTotal: 5 })
  expect(made).toMatchObject({ code: 'WINTER10', limitTotal: 5 })
  await code({ kind: 'percent', rateBp: 500 })
  const list = async (who: Person) =>
    (await who.get<Items<{ rateBp: number }>>(`${COMMERCE}.listDiscounts`, { tenant: shop })).items
  expect(await list(manager)).toMatchObject([{ code: 'WINTER10', rateBp: 500 }])
  expect(await list(member)).toEqual([])
  const supply = { lowStockThreshold: 5, notes: 'ask for blue' }
  const at = { tenant: shop, rkey: keyOf(await put(manager, offer('Wire'))) }
  const kept = await manager.call<{ uri: string }>(`${COMMERCE}.putProductSupply`, {
    ...at,
    supply,
  })
  expect(await manager.get(`${COMMERCE}.getProductSupply`, { uri: kept.uri })).toMatchObject(supply)
  expect(await told(member.get(`${COMMERCE}.getProductSupply`, { uri: kept.uri }))).toBe('NotFound')
})

test('a plan has so many products, and goods only with a shop', async () => {
  const { root, rival } = people
  const sell = (product: object) =>
    rival.call<Product>(`${COMMERCE}.putProduct`, { tenant: other, product })
  const plan = (more: object) => root.call(`${PLATFORM}.setTenantPlan`, { tenant: other, ...more })
  await plan({ plan: 'free' })
  expect(await told(sell(offer('Wire')))).toBe('FeatureNotInPlan')
  await plan({ plan: 'custom', limits: { ...planOf('starter')!.limits, products: 2 } })
  const service = { title: 'Tuning', productType: 'business_service' }
  await sell(service)
  expect(await told(sell(service))).toBe('LimitExceeded')
})
