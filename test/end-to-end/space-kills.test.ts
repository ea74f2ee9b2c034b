import { expect, test } from 'vitest'
import { spaceKills } from '../space-kills/kills.ts'

test('nodes killed between any two steps lose no write in a space, and agree in the end', async () => {
  const report = (): void => undefined
  const figures = await spaceKills({ seed: 1, from: 0, kills: 4, report })
  expect(figures.kills).toBe(4)
  expect(figures.reached).toBeGreaterThan(0)
  expect(figures.writes).toBeGreaterThan(30)
}, 300_000)
