import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reorderPoint } from './reorder.ts'
import { backorderLimitOf, readStockItem, stockItemOf } from './stock-item.ts'

const [SHOP, BRANCH] = ['did:plc:shop', 'did:plc:branch']
const uriOf = (did: string) => `at://${did}/co.kendev.commerce.product/3m6bkl2222222`
const counted = { productType: 'physical', inventory: { trackQuantity: true } }

test('a product and each of its variants is a stock item, that leads back to it', () => {
  const item = (did: string, variant?: string) =>
    stockItemOf(SHOP, { ...counted, uri: uriOf(did) }, variant)!
  expect(item(SHOP)).toBe('3m6bkl2222222')
  for (const [did, variant] of [[SHOP], [SHOP, 'x#l'], [BRANCH], [BRANCH, 's/m']] as const)
    expect(readStockItem(SHOP, item(did, variant))).toEqual({ product: uriOf(did), variant })
  expect(new Set([item(SHOP), item(SHOP, 's'), item(BRANCH), item(BRANCH, 's')]).size).toBe(4)
})

test('what is not counted, and what is only bytes, is no stock item', () => {
  const uri = uriOf(SHOP)
  expect(stockItemOf(SHOP, { uri, productType: 'physical' })).toBeUndefined()
  expect(stockItemOf(SHOP, { ...counted, uri, productType: 'digital_download' })).toBeUndefined()
})

test('as much is owed as the seller lets, and nothing unless they do', () => {
  expect(backorderLimitOf({})).toBe(0)
  expect(backorderLimitOf({ inventory: { backorderLimit: 5 } })).toBe(0)
  expect(backorderLimitOf({ inventory: { allowBackorder: true, backorderLimit: 5 } })).toBe(5)
  expect(backorderLimitOf({ inventory: { allowBackorder: true } })).toBe(2_000_000_000)
})

test('more is ordered when what goes meanwhile is left, with a margin for lively days', () => {
  expect(reorderPoint([2, 2, 2, 2], 7)).toEqual({ point: 14, dailyDemand: 2_000 })
  // Mean 2, deviation 2: 2 × 4 + 1.65 × 2 × 2 = 14.6.
  expect(reorderPoint([0, 4, 0, 4], 4)).toEqual({ point: 15, dailyDemand: 2_000 })
  expect(reorderPoint([0, 4, 0, 4], 0)).toEqual({ point: 0, dailyDemand: 2_000 })
})

test('without demand there is no point to order at', () => {
  expect(reorderPoint([], 7)).toBeUndefined()
  expect(reorderPoint([0, 0, 0], 7)).toBeUndefined()
})

test('the point is a whole number that covers at least what goes meanwhile', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_000), { minLength: 1, maxLength: 90 }),
      fc.nat(365),
      (daily, lead) => {
        const found = reorderPoint(daily, lead)
        const total = daily.reduce((sum, n) => sum + n, 0)
        expect(found === undefined).toBe(total === 0)
        if (!found) return
        expect(Number.isSafeInteger(found.point)).toBe(true)
        expect(found.point).toBeGreaterThanOrEqual(Math.floor((total / daily.length) * lead))
      },
    ),
  )
})
