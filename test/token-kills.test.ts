import { expect, test } from 'vitest'
import { tokenKills } from './token-kills/kills.ts'

test('a validator killed at any statement never votes for two, and loses no certificate', async () => {
  const report = (): void => undefined
  const figures = await tokenKills({ seed: 1, from: 0, kills: 10, report })
  expect(figures.kills).toBe(10)
  expect(figures.reached).toBeGreaterThan(5)
  expect(figures.applied).toBeGreaterThan(20)
  expect(figures.again).toBeGreaterThan(0)
}, 120_000)
