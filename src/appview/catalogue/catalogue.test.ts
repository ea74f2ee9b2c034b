import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSlug } from '../slug.ts'
import { discountCode, discountOf } from './discount.ts'
import { namesOf } from './product-names.ts'
import { agreedOf, commissionOfProduct } from './product-terms.ts'
import { shippingOffers, taxRateOf } from './store-terms.ts'

const createdAt = '2026-11-23T10:00:00Z' as const
const none = () => false
const rkey = '3m6bkl2222222'

test('a new product is called in links what its title gives, stepping aside for another', () => {
  const taken = (slug: string) => ['sub-box', 'sub-box-2'].includes(slug)
  expect(namesOf({ title: 'Sub Box' }, { rkey, taken: none })).toEqual({
    slug: 'sub-box',
    formerSlugs: [],
  })
  expect(namesOf({ title: 'Sub Box' }, { rkey, taken })).toMatchObject({ slug: 'sub-box-3' })
  expect(namesOf({ title: 'x', slug: 'sub-box' }, { rkey, taken })).toEqual({
    taken: 'sub-box',
    free: 'sub-box-3',
  })
})

test('a product that is renamed is still found by the names it had, unless it takes one back', () => {
  const before = { title: 'Amp', slug: 'amp', formerSlugs: ['amplifier'] }
  const name = (slug?: string) => namesOf({ title: 'Amp 2', slug }, { rkey, before, taken: none })
  expect(name('amp-two')).toEqual({ slug: 'amp-two', formerSlugs: ['amp', 'amplifier'] })
  expect(name('amplifier')).toEqual({ slug: 'amplifier', formerSlugs: ['amp'] })
  // A title that changes does not change links.
  expect(name()).toEqual({ slug: 'amp', formerSlugs: ['amplifier'] })
})

test('whatever a title is, the name in links is one, and free', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (title, others) => {
      const had = new Set<string>()
      for (let n = 0; n <= others; n++) {
        const named = namesOf({ title }, { rkey, taken: (slug) => had.has(slug) })
        if (!('slug' in named)) throw new Error('a name made of a title is never refused')
        expect(isSlug(named.slug) && !had.has(named.slug)).toBe(true)
        had.add(named.slug)
      }
    }),
  )
})

test('a reduction is never more than the goods cost, and a half goes up', () => {
  const order = { subtotal: 1_005, currency: 'EUR', now: new Date(createdAt), used: 0 }
  const of = (more: object, subtotal = 1_005) =>
    discountOf(
      { kind: 'percent', rateBp: 1_000, createdAt, ...more },
      { ...order, usedByCustomer: 0, subtotal },
    )
  expect(of({})).toEqual({ amount: 101 })
  expect(of({ rateBp: 10_000 })).toEqual({ amount: 1_005 })
  expect(of({ kind: 'amount', amount: 500, currency: 'EUR' })).toEqual({ amount: 500 })
  expect(of({ kind: 'amount', amount: 5_000, currency: 'EUR' })).toEqual({ amount: 1_005 })
  expect(of({ kind: 'amount', amount: 5, currency: 'USD' })).toEqual({
    refused: 'DiscountOtherCurrency',
  })
  expect(of({ minimumSubtotal: 1_006, currency: 'EUR' })).toEqual({
    refused: 'DiscountBelowMinimum',
  })
  expect(discountCode(' Winter10 ')).toBe('winter10')
})

test('a code holds from its beginning up to its end, and as often as it may be used', () => {
  const limits = { startsAt: '2026-12-01T00:00:00Z', endsAt: '2026-12-24T00:00:00Z' } as const
  const discount = { kind: 'percent', rateBp: 500, createdAt, limitTotal: 3, limitPerCustomer: 1 }
  const at = (now: string, used = 0, usedByCustomer = 0, disabled = false) => {
    const order = { subtotal: 100, currency: 'EUR', now: new Date(now), used, usedByCustomer }
    const found = discountOf({ ...discount, ...limits, disabled }, order)
    return 'refused' in found ? found.refused : found.amount
  }
  expect(at('2026-11-30T23:59:59Z')).toBe('DiscountNotYet')
  expect(at('2026-12-01T00:00:00Z')).toBe(5)
  expect(at('2026-12-24T00:00:00Z')).toBe('DiscountOver')
  expect(at('2026-12-02T00:00:00Z', 3)).toBe('DiscountUsedUp')
  expect(at('2026-12-02T00:00:00Z', 2, 1)).toBe('DiscountUsedUp')
  expect(at('2026-12-02T00:00:00Z', 2, 0, true)).toBe('DiscountDisabled')
})

test('the tax is that of the place and the category, the nearest place first', () => {
  const taxRates = [
    { name: 'GST', region: 'CA', rateBp: 500 },
    { name: 'HST', region: 'CA-ON', rateBp: 1_300 },
    { name: 'Books', region: 'CA', category: 'books', rateBp: 0 },
    { name: 'Export', rateBp: 100 },
  ]
  const rate = (product: object, to: object) => taxRateOf({ taxRates }, product, to)?.rateBp
  expect(rate({}, { country: 'CA', region: 'CA-ON' })).toBe(1_300)
  expect(rate({}, { country: 'CA', region: 'CA-BC' })).toBe(500)
  expect(rate({ taxCategory: 'books' }, { country: 'CA', region: 'CA-ON' })).toBe(0)
  expect(rate({ taxCategory: 'unknown' }, { country: 'CA' })).toBe(500)
  expect(rate({}, { country: 'DE' })).toBe(100)
  expect(rate({}, {})).toBe(100)
  expect(rate({ taxable: false }, { country: 'CA' })).toBeUndefined()
  expect(taxRateOf({}, {}, { country: 'CA' })).toBeUndefined()
})

test('goods are sent where a way goes, if it carries them, and free from a value on', () => {
  const shippingMethods = [
    { id: 'post', name: 'Post', amount: 500, freeAbove: 5_000, zones: ['domestic'] },
    { id: 'far', name: 'Far', amount: 2_000, zones: ['international'], shippingClasses: ['heavy'] },
    { id: 'shop', name: 'Collect', amount: 0, zones: ['pickup'] },
  ]
  const offers = (country: string, subtotal = 100, classes: string[] = [], free = false) =>
    shippingOffers({ shippingMethods }, { to: { country, home: 'DE' }, classes, subtotal, free })
      .map(({ id, amount }) => `${id} ${amount}`)
      .join()
  expect(offers('DE')).toBe('post 500,shop 0')
  expect(offers('DE', 5_000)).toBe('post 0,shop 0')
  expect(offers('DE', 100, [], true)).toBe('post 0,shop 0')
  expect(offers('US', 100, ['heavy'])).toBe('far 2000,shop 0')
  expect(offers('US', 100, ['heavy', 'cold'])).toBe('shop 0')
})

test('the rate of a product counts only where it is switched on, and multipliers always', () => {
  const terms = { customCommissionRate: 1_000, sourceMultipliers: { pickupJob: 2_000 }, createdAt }
  const multipliers = { pickup_job: 2_000 }
  expect(agreedOf(terms)).toEqual({ customBp: undefined, multipliers })
  const agreed = { productType: 'ai_print_demand', spaceBp: undefined, tenantBp: undefined }
  const rates = (useCustomRate: boolean) =>
    commissionOfProduct({ ...agreed, terms: { ...terms, useCustomRate } }).rates.map(
      ({ source, rateBp, rule }) => `${source} ${rateBp} ${rule}`,
    )
  expect(rates(true)).toEqual([
    'system_generated 1000 product',
    'pickup_job 2000 product',
    'referral_source 1500 product',
    'repeat_customer 500 product',
  ])
  expect(rates(false)[0]).toBe('system_generated 1500 template')
  expect(commissionOfProduct({ ...agreed, terms: undefined }).commissionTemplate).toEqual({
    defaultRate: 1_500,
    rationale: 'Generation cost and fulfilment handled by the platform',
  })
})
