import { expect, test } from 'vitest'
import { businessKills } from './business-kills/kills.ts'

test('a shop killed at any statement loses no money, stock or slot, and has nothing twice', async () => {
  const report = (): void => undefined
  const figures = await businessKills({ seed: 1, from: 0, kills: 4, report })
  expect(figures.kills).toBe(4)
  expect(figures.reached).toBeGreaterThan(0)
  expect(figures.deeds).toBeGreaterThan(20)
}, 300_000)
