import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orderTotals, spread } from './order-totals.ts'

const line = (unitPrice: number, quantity = 1, taxBp = 0) => ({ unitPrice, quantity, taxBp })
const sum = (amounts: readonly number[]) => amounts.reduce((all, amount) => all + amount, 0)

test('a discount that does not come out even is spread without a cent lost', () => {
  expect(spread(100, [1, 1, 1])).toEqual([34, 33, 33])
  expect(spread(1, [1, 1])).toEqual([1, 0])
  expect(spread(7, [0, 0])).toEqual([0, 0])
  expect(spread(10, [5, 0, 5])).toEqual([5, 0, 5])
  expect(spread(2 ** 53 - 1, [2 ** 53 - 1, 1])).toEqual([2 ** 53 - 2, 1])
})

test('tax is of the discounted price of each line, halves up', () => {
  const totals = orderTotals([line(1_000, 2, 1_900), line(333, 1, 700)], {
    discount: 233,
    shipping: 490,
  })
  expect(totals.lines.map(({ discount, tax }) => [discount, tax])).toEqual([
    [200, 342],
    [33, 21],
  ])
  expect(totals).toMatchObject({ subtotal: 2_333, discount: 233, tax: 363, total: 2_953 })
  expect(orderTotals([line(5, 1, 1_000)]).tax).toBe(1)
})

test('where prices are with tax, what is paid is the price, and the tax is in it', () => {
  const totals = orderTotals([line(999, 1, 1_900), line(333, 3, 700)], {
    discount: 100,
    shipping: 490,
    taxIncluded: true,
  })
  expect(totals.lines.map(({ discount, tax }) => [discount, tax])).toEqual([
    [50, 152],
    [50, 62],
  ])
  expect(totals).toMatchObject({ subtotal: 1_998, tax: 214, total: 2_388 })
})

test('a discount of more than all makes it free, and what is no amount is refused', () => {
  expect(orderTotals([line(500, 1, 1_900)], { discount: 900 })).toMatchObject({
    discount: 500,
    tax: 0,
    total: 0,
  })
  for (const bad of [line(-1), line(1, -1), line(0.5), line(2 ** 52, 4)])
    expect(() => orderTotals([bad])).toThrow('is no amount')
  expect(orderTotals([])).toMatchObject({ subtotal: 0, total: 0 })
})

test('the figures of an order are the sums of its lines, whatever is bought', () => {
  const lines = fc.array(
    fc.record({
      unitPrice: fc.nat(10_000_000),
      quantity: fc.integer({ min: 1, max: 1_000 }),
      taxBp: fc.nat(10_000),
    }),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(lines, fc.nat(1_000_000_000), fc.nat(100_000), (bought, discount, shipping) => {
      const totals = orderTotals(bought, { discount, shipping })
      const { subtotal, tax, total } = totals
      expect(sum(totals.lines.map((one) => one.totalPrice))).toBe(subtotal)
      expect(sum(totals.lines.map((one) => one.discount))).toBe(Math.min(discount, subtotal))
      expect(sum(totals.lines.map((one) => one.tax))).toBe(tax)
      expect(total).toBe(subtotal - totals.discount + tax + shipping)
      for (const one of totals.lines) expect(one.discount <= one.totalPrice).toBe(true)
    }),
  )
})
