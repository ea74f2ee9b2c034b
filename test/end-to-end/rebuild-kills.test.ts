import { expect, test } from 'vitest'
import { rebuildSeries } from './rebuild-kills.ts'

test('a rebuild killed while people write is taken up again, and loses and repeats nothing', async () => {
  const figures = await rebuildSeries({ seed: 1, from: 0, kills: 3, report: () => undefined })
  expect(figures.kills + figures.switches).toBe(4)
  expect(figures.acknowledged).toBeGreaterThan(150)
}, 240_000)
