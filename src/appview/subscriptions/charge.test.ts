import { beforeEach, expect, test } from 'vitest'
import { BEN, SHOP, type Stage, subscriptionStage } from '../../../test/subscription-stage.ts'
import { chargeOnce, keepPayer, netPaid } from './charge.ts'

let stage: Stage
beforeEach(async () => {
  stage = await subscriptionStage()
  await keepPayer(stage.s, { space: SHOP, did: BEN, method: 'card' })
})

const due = { space: SHOP, did: BEN, period: 'after June', currency: 'EUR', isRenewal: true }
const pays = (more: object = {}) => chargeOnce(stage.s, { ...due, amount: 900, ...more })
const kept = async () => {
  const { rows } = await stage.s.sql.query<{ told: string }>(
    `select attempt || ' ' || status as told from node.charge order by attempt`,
  )
  return rows.map(({ told }) => told)
}

test('a period is paid for once, whoever asks how often, and by whichever try', async () => {
  expect(await Promise.all([pays({ attempt: 1 }), pays({ attempt: 2 })])).toEqual([true, true])
  expect(await pays()).toBe(true)
  expect(await pays({ attempt: 7 })).toBe(true)
  expect([stage.charged.length, await kept()]).toEqual([1, ['1 paid']])
  expect(await netPaid(stage.s.sql, SHOP, BEN)).toBe(900)
})

test('a try that was declined stays so, and the next one may be paid', async () => {
  stage.answers = ['declined', 'paid']
  expect(await pays({ attempt: 1 })).toBe(false)
  expect(await pays({ attempt: 1 })).toBe(false)
  expect(stage.charged).toHaveLength(1)
  expect(await pays()).toBe(true)
  expect(await kept()).toEqual(['1 declined', '2 paid'])
  expect(await netPaid(stage.s.sql, SHOP, BEN)).toBe(900)
})

test('the provider knows one payment by one key, and how the member pays', async () => {
  await pays()
  await pays({ period: 'after July' })
  await keepPayer(stage.s, { space: SHOP, did: BEN, method: undefined })
  await pays({ period: 'after August' })
  expect(new Set(stage.charged.map(({ key }) => key)).size).toBe(3)
  expect(stage.charged.map(({ method }) => method)).toEqual(['card', 'card', 'card'])
})

test('what costs nothing is not charged', async () => {
  expect(await pays({ amount: 0 })).toBe(true)
  expect([stage.charged, await kept()]).toEqual([[], []])
})
