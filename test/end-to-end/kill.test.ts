import { expect, test } from 'vitest'
import { killSeries } from './kill.ts'

test('killing the node or its database while people write loses and repeats nothing', async () => {
  const figures = await killSeries({ seed: 1, from: 0, kills: 4, report: () => undefined })
  expect(figures.kills).toBe(4)
  expect(figures.acknowledged).toBeGreaterThan(100)
}, 180_000)
