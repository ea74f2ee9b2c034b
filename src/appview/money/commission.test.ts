import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commissionOf, commissionTemplate, effectiveCommission } from './commission.ts'

test('a sale brings the commission of its type, times where it came from', () => {
  const of = (amount: number, productType: string, source: string, customBp?: number) =>
    commissionOf(amount, effectiveCommission({ productType, source, customBp }).rateBp)
  expect(of(10_000, 'ai_print_demand', 'referral_source')).toBe(2_250)
  expect(of(8_000, 'consultation_solo', 'pickup_job')).toBe(320)
  expect(of(10_000, 'physical', 'system_generated', 1_000)).toBe(1_000)
  expect(of(10_000, 'physical', 'repeat_customer')).toBe(250)
  expect(of(10_000, 'no such type', 'no such source')).toBe(300)
  expect(commissionTemplate('toString').rateBp).toBe(300)
  const half = { productType: 'physical', source: 'pickup_job', customBp: 5 }
  expect(effectiveCommission(half).rateBp).toBe(3)
})

test('a product has multipliers of its own, in thousandths, up to five times', () => {
  const rate = (pickup: number) =>
    effectiveCommission({
      productType: 'ai_print_demand',
      source: 'pickup_job',
      multipliers: { pickup_job: pickup },
    }).rateBp
  expect([rate(0), rate(1), rate(333), rate(1_500), rate(5_000), rate(9_000)]).toEqual([
    0, 2, 500, 2_250, 7_500, 7_500,
  ])
})

test('what is agreed for the product comes before the space, the tenant and the template', () => {
  const terms = { productType: 'physical', source: 'system_generated' }
  const [customBp, spaceBp, tenantBp] = [100, 200, 300]
  const rule = (more: object) => effectiveCommission({ ...terms, ...more })
  expect(rule({ customBp, spaceBp, tenantBp })).toEqual({ rateBp: 100, rule: 'product' })
  expect(rule({ spaceBp, tenantBp })).toEqual({ rateBp: 200, rule: 'space' })
  expect(rule({ tenantBp })).toEqual({ rateBp: 300, rule: 'tenant' })
  expect(rule({})).toEqual({ rateBp: 500, rule: 'template' })
  expect(rule({ customBp: 0, spaceBp })).toEqual({ rateBp: 0, rule: 'product' })
})

test('no commission is less than nothing or more than all', () => {
  const numbers = fc.integer({ min: -1_000_000, max: 1_000_000 })
  fc.assert(
    fc.property(numbers, numbers, fc.maxSafeInteger().map(Math.abs), (customBp, m, amount) => {
      const multipliers = { pickup_job: m }
      const terms = { productType: 'physical', source: 'pickup_job', customBp, multipliers }
      const { rateBp } = effectiveCommission(terms)
      expect(rateBp).toBeGreaterThanOrEqual(0)
      expect(rateBp).toBeLessThanOrEqual(10_000)
      const commission = commissionOf(amount, rateBp)
      expect(commission >= 0 && commission <= amount).toBe(true)
    }),
  )
})
